//! No circles between the files of a crate: a reader can begin with any file and read downwards.
//!
//! A file has an arrow to another one if its code uses an item that the other one defines, through whatever re-exports. A
//! declaration `mod x;` and a re-export are no arrows.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::crate_tree::{CrateTree, Found, Import};
use super::finding::Finding;
use super::graph;
use super::names_in_code::{self, Name};

/// Where a file first uses an item of another one, and as what.
type Uses = BTreeMap<usize, BTreeMap<String, usize>>;

/// Finds the circles of one crate.
pub(super) fn check(tree: &CrateTree<'_>) -> Vec<Finding> {
    let arrows = Arrows::of(tree);
    let graph = arrows.0.iter().map(|(from, uses)| (*from, uses.keys().copied().collect())).collect();
    graph::circles(&graph).iter().map(|circle| arrows.describe(tree, circle)).collect()
}

/// The arrows of each file.
#[derive(Default)]
struct Arrows(BTreeMap<usize, Uses>);

impl Arrows {
    fn of(tree: &CrateTree<'_>) -> Self {
        let mut arrows = Self::default();
        // Names that a module's own code uses, and imports that files follow whose own they are not.
        let mut used = BTreeSet::new();
        let mut followed = BTreeSet::new();
        for (module, holds) in tree.modules().iter().enumerate() {
            for Name { path, line } in holds.items.iter().flat_map(|item| names_in_code::of_item(item)) {
                let (found, imports) = tree.resolve(module, &path);
                let foreign = |import: &usize| tree.modules()[tree.imports()[*import].module].file != holds.file;
                followed.extend(imports.into_iter().filter(foreign));
                arrows.add(tree, holds.file, &found, line);
                used.insert((module, path[0].clone()));
            }
        }
        for import in tree.imports() {
            let file = tree.modules()[import.module].file;
            let imports = tree.resolve(import.module, &import.path).1;
            followed
                .extend(imports.into_iter().filter(|other| tree.modules()[tree.imports()[*other].module].file != file));
        }
        for (number, import) in tree.imports().iter().enumerate() {
            // What nothing here names is a trait whose methods are used, or is there for others.
            let named = import.name.as_ref().is_some_and(|name| used.contains(&(import.module, name.clone())));
            if !import.is_reexport && (named || !followed.contains(&number)) {
                arrows.add_import(tree, import);
            }
        }
        arrows
    }

    fn add_import(&mut self, tree: &CrateTree<'_>, import: &Import) {
        let (found, _) = tree.resolve(import.module, &import.path);
        self.add(tree, tree.modules()[import.module].file, &found, import.line);
    }

    fn add(&mut self, tree: &CrateTree<'_>, from: usize, found: &[Found], line: usize) {
        if tree.sources()[from].is_generated() {
            return;
        }
        for found in found {
            match found {
                Found::Item { file, name } if *file != from => {
                    let first = self.0.entry(from).or_default().entry(*file).or_default();
                    let first = first.entry(name.clone()).or_insert(line);
                    *first = line.min(*first);
                }
                _ => {}
            }
        }
    }

    fn describe(&self, tree: &CrateTree<'_>, circle: &[usize]) -> Finding {
        let path = |file: usize| tree.sources()[file].path();
        let mut what = format!("a circle of {} files, in which each one uses what another one defines:", circle.len());
        let mut first = None;
        for from in circle {
            for to in circle {
                for (item, line) in self.0.get(from).and_then(|uses| uses.get(to)).into_iter().flatten() {
                    first.get_or_insert((*from, *line));
                    let (from, to) = (path(*from).display(), path(*to).display());
                    // Writing to a string does not fail.
                    let _ = write!(what, "\n    {from}:{line} uses `{item}` of {to}");
                }
            }
        }
        let (file, line) = first.unwrap_or((circle[0], 1));
        Finding::new(path(file), line, what)
    }
}
