//! `use` declarations taken apart: one import for each name.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree, Visibility};

use super::module::{Import, ModuleId};
use crate::tidy::source::is_for_tests;

/// The imports of an item: its own, if it is a declaration, or those within functions.
pub(super) fn of_item(item: &Item, module: ModuleId) -> Vec<Import> {
    let mut imports = Imports { module, found: Vec::new() };
    match item {
        Item::Use(declaration) => imports.add(declaration),
        Item::Mod(_) => {}
        _ => imports.visit_item(item),
    }
    imports.found
}

struct Imports {
    module: ModuleId,
    found: Vec<Import>,
}

impl Imports {
    fn add(&mut self, declaration: &ItemUse) {
        // What begins with `::` is another crate.
        if declaration.leading_colon.is_none() && !is_for_tests(&declaration.attrs) {
            let is_reexport = !matches!(declaration.vis, Visibility::Inherited);
            self.walk(&declaration.tree, &mut Vec::new(), is_reexport);
        }
    }

    fn walk(&mut self, tree: &UseTree, before: &mut Vec<String>, is_reexport: bool) {
        let line = tree.span().start().line;
        let module = self.module;
        let import = |path: Vec<String>, name| Import { module, line, path, name, is_glob: false, is_reexport };
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.walk(&path.tree, before, is_reexport);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.walk(tree, before, is_reexport)),
            UseTree::Name(name) => {
                let path = joined(before, &name.ident.to_string());
                let name = path.last().cloned();
                self.found.push(import(path, name));
            }
            UseTree::Rename(rename) => {
                let path = joined(before, &rename.ident.to_string());
                let name = Some(rename.rename.to_string()).filter(|name| name != "_");
                self.found.push(import(path, name));
            }
            UseTree::Glob(_) => self.found.push(Import { is_glob: true, ..import(before.clone(), None) }),
        }
    }
}

/// The path of a name in a group: `self` there is what the group belongs to.
fn joined(before: &[String], name: &str) -> Vec<String> {
    let mut path = before.to_vec();
    if name != "self" || before.is_empty() {
        path.push(name.to_owned());
    }
    path
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, declaration: &'ast ItemUse) {
        self.add(declaration);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}
