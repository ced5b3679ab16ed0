//! The modules of one crate: which file each stands in, what its names mean, and which file defines what a path names.

mod imports;
mod module;
mod resolve;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syn::{Item, ItemMod};

use super::source::{SourceFile, is_test_item};

use self::module::Meaning;
pub(super) use self::module::{Import, Module, ModuleId};
pub(super) use self::resolve::Found;

/// The module tree of a library or of a program, its tests left out.
pub(super) struct CrateTree<'a> {
    sources: &'a [SourceFile],
    modules: Vec<Module<'a>>,
    imports: Vec<Import>,
}

impl<'a> CrateTree<'a> {
    /// The trees of a package: of its library and of each of its programs.
    pub(super) fn all_of(sources: &'a [SourceFile]) -> impl Iterator<Item = Self> {
        let roots = sources.iter().enumerate().filter(|(_, source)| is_root(source.path()));
        roots.map(|(file, _)| Self::of(sources, file))
    }

    fn of(sources: &'a [SourceFile], root: usize) -> Self {
        let files = sources.iter().enumerate().map(|(file, source)| (source.path(), file)).collect();
        let folder = sources[root].path().parent().unwrap_or(Path::new("")).to_owned();
        let mut tree = Self { sources, modules: Vec::new(), imports: Vec::new() };
        let mut to_read = vec![tree.add(None, root, folder, &sources[root].syntax().items)];
        while let Some(children) = to_read.pop() {
            for child in children {
                to_read.extend(tree.read_child(&files, &child));
            }
        }
        tree
    }

    /// The files that the tree was made of.
    pub(super) fn sources(&self) -> &'a [SourceFile] {
        self.sources
    }

    pub(super) fn modules(&self) -> &[Module<'a>] {
        &self.modules
    }

    pub(super) fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Adds a module. Gives the child modules that it declares.
    fn add(&mut self, parent: Option<ModuleId>, file: usize, folder: PathBuf, items: &'a [Item]) -> Vec<Child<'a>> {
        let id = self.modules.len();
        let mut module = Module { parent, file, folder, items: Vec::new(), names: BTreeMap::new(), globs: Vec::new() };
        let mut children = Vec::new();
        for item in items.iter().filter(|item| !is_test_item(item)) {
            for import in imports::of_item(item, id) {
                let number = self.imports.len();
                match &import.name {
                    Some(name) => module.names.entry(name.clone()).or_default().push(Meaning::Import(number)),
                    None if import.is_glob => module.globs.push(number),
                    None => {}
                }
                self.imports.push(import);
            }
            match item {
                Item::Use(_) => continue,
                Item::Mod(declared) => children.push(Child { parent: id, declared }),
                _ => module.items.push(item),
            }
            if let Some(name) = name_of(item) {
                module.names.entry(name).or_default().push(Meaning::Item);
            }
        }
        self.modules.push(module);
        children
    }

    /// Finds the file of a child module, or the braces, and adds it.
    fn read_child(&mut self, files: &BTreeMap<&Path, usize>, child: &Child<'a>) -> Option<Vec<Child<'a>>> {
        let name = child.declared.ident.to_string();
        let parent = &self.modules[child.parent];
        let folder = parent.folder.join(&name);
        let (file, items) = match &child.declared.content {
            Some((_, items)) => (parent.file, items),
            None => {
                let places = [folder.with_extension("rs"), folder.join("mod.rs")];
                let file = *places.iter().find_map(|place| files.get(place.as_path()))?;
                (file, &self.sources[file].syntax().items)
            }
        };
        let id = self.modules.len();
        let children = self.add(Some(child.parent), file, folder, items);
        self.modules[child.parent].names.entry(name).or_default().push(Meaning::Module(id));
        Some(children)
    }
}

/// A module that its parent declares.
struct Child<'a> {
    parent: ModuleId,
    declared: &'a ItemMod,
}

/// Whether a compiler is started with this file.
fn is_root(path: &Path) -> bool {
    let mut above = path.iter().rev();
    let file = above.next().unwrap_or_default();
    let folders: Vec<_> = above.take(3).collect();
    match &folders[..] {
        [src, ..] if *src == "src" => file == "lib.rs" || file == "main.rs",
        [bin, src, ..] if *bin == "bin" && *src == "src" => true,
        [_, bin, src] if *bin == "bin" && *src == "src" => file == "main.rs",
        _ => false,
    }
}

/// The name that an item gives to its module.
pub(super) fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
