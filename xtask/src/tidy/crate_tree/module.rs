//! What a module of a crate holds: names, and where each comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use syn::Item;

/// The number of a module in its tree; the root is 0.
pub(crate) type ModuleId = usize;

/// One module: a file, or a part of one between braces.
pub(crate) struct Module<'a> {
    /// `None` for the root.
    pub(crate) parent: Option<ModuleId>,
    /// The number of the file that it stands in.
    pub(crate) file: usize,
    /// Where the files of its child modules are.
    pub(super) folder: PathBuf,
    /// What stands in it, tests, `use` declarations and child modules left out.
    pub(crate) items: Vec<&'a Item>,
    /// What its names mean: a type, a function and a module may share one.
    pub(super) names: BTreeMap<String, Vec<Meaning>>,
    /// The numbers of its imports of everything.
    pub(super) globs: Vec<usize>,
}

/// What a name in a module means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meaning {
    /// An item of this module.
    Item,
    /// A child module.
    Module(ModuleId),
    /// What an import leads to.
    Import(usize),
}

/// One name of a `use` declaration.
#[derive(Debug)]
pub(crate) struct Import {
    /// Where it stands.
    pub(crate) module: ModuleId,
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
    /// The name that it gives; `None` for `*` and `_`.
    pub(crate) name: Option<String>,
    pub(crate) is_glob: bool,
    /// Whether others may use the name.
    pub(crate) is_reexport: bool,
}
