//! From a path to the file that defines what it names, through re-exports and imports.

use std::collections::BTreeSet;

use super::CrateTree;
use super::module::{Meaning, ModuleId};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A module.
    Module(ModuleId),
    /// An item, or a part of one, that this file defines.
    Item {
        /// The number of the file.
        file: usize,
        /// The item's name where it is defined.
        name: String,
    },
}

/// The way of one path: where it went through already, and which imports it took.
#[derive(Default)]
struct Trail {
    under_way: BTreeSet<(usize, String)>,
    imports: Vec<usize>,
}

impl CrateTree<'_> {
    /// What a path in the code of a module names, and the imports on the way there. Nothing if it leads out of the crate.
    pub(crate) fn resolve(&self, module: ModuleId, path: &[String]) -> (Vec<Found>, Vec<usize>) {
        let mut trail = Trail::default();
        let found = self.follow(module, path, &mut trail);
        (found, trail.imports)
    }

    fn follow(&self, module: ModuleId, path: &[String], trail: &mut Trail) -> Vec<Found> {
        let mut rest = path.iter().map(String::as_str).peekable();
        let mut start = None;
        while let Some(keyword) = rest.next_if(|part| matches!(*part, "crate" | "self" | "super")) {
            start = Some(match keyword {
                "crate" => 0,
                "self" => start.unwrap_or(module),
                _ => match self.modules[start.unwrap_or(module)].parent {
                    Some(parent) => parent,
                    None => return Vec::new(),
                },
            });
        }
        let mut found = match (start, rest.next()) {
            (Some(start), None) => vec![Found::Module(start)],
            (start, Some(first)) => self.look_up(start.unwrap_or(module), first, trail),
            (None, None) => Vec::new(),
        };
        for part in rest {
            found = self.step(&found, part, trail);
        }
        found
    }

    /// One part further: into a module, or to a part of an item, which stands where the item does.
    fn step(&self, from: &[Found], part: &str, trail: &mut Trail) -> Vec<Found> {
        let mut inside = Vec::new();
        for found in from {
            if let Found::Module(module) = found {
                inside.extend(self.look_up(*module, part, trail));
            }
        }
        if inside.is_empty() {
            inside.extend(from.iter().filter(|found| matches!(found, Found::Item { .. })).cloned());
        }
        inside
    }

    /// What a name means in a module. Its own names hide those of `*`.
    fn look_up(&self, module: ModuleId, name: &str, trail: &mut Trail) -> Vec<Found> {
        let here = &self.modules[module];
        let mut found = Vec::new();
        for meaning in here.names.get(name).into_iter().flatten() {
            match *meaning {
                Meaning::Item => found.push(Found::Item { file: here.file, name: name.to_owned() }),
                Meaning::Module(child) => found.push(Found::Module(child)),
                Meaning::Import(import) => found.extend(self.through(import, name, trail)),
            }
        }
        if found.is_empty() {
            for import in &here.globs {
                let source = self.through(*import, name, trail);
                let modules = source.into_iter().filter_map(|found| match found {
                    Found::Module(module) => Some(module),
                    Found::Item { .. } => None,
                });
                for source in modules {
                    if trail.under_way.insert((self.imports.len() + source, name.to_owned())) {
                        found.extend(self.look_up(source, name, trail));
                        trail.under_way.remove(&(self.imports.len() + source, name.to_owned()));
                    }
                }
            }
        }
        found
    }

    /// What an import leads to; nothing if the way to it leads through itself, as that of another crate's name does.
    fn through(&self, import: usize, name: &str, trail: &mut Trail) -> Vec<Found> {
        let key = (import, name.to_owned());
        if !trail.under_way.insert(key.clone()) {
            return Vec::new();
        }
        let found = self.follow(self.imports[import].module, &self.imports[import].path, trail);
        trail.under_way.remove(&key);
        if !found.is_empty() {
            trail.imports.push(import);
        }
        found
    }
}
