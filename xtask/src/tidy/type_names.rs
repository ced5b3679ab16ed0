//! A type's name is unique in its crate, so that a search and a backtrace lead to one place.

use std::collections::BTreeMap;

use syn::Item;

use super::crate_tree::CrateTree;
use super::finding::Finding;

/// Finds types of one crate that share a name. The same name twice in one module is one type, chosen by a `cfg`.
pub(super) fn check(tree: &CrateTree<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first_of = BTreeMap::new();
    let mut types = Vec::new();
    for (module, holds) in tree.modules().iter().enumerate() {
        let names = holds.items.iter().filter_map(|item| type_name(item));
        types.extend(names.map(|name| (holds.file, name.span().start().line, module, name)));
    }
    types.retain(|(file, ..)| !tree.sources()[*file].is_generated());
    types.sort_by_key(|(file, line, ..)| (*file, *line));
    for (file, line, module, name) in types {
        let (first_file, first_line, first_module) = *first_of.entry(name).or_insert((file, line, module));
        if first_module != module {
            let first = tree.sources()[first_file].path().display();
            let what = format!("`{name}` has the name of a type at {first}:{first_line}");
            findings.push(Finding::new(tree.sources()[file].path(), line, what));
        }
    }
    findings
}

fn type_name(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Enum(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::source::SourceFile;
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let parse = |(path, text): &(&str, &str)| {
            SourceFile::parse(&Path::new("crates/x/src").join(path), (*text).to_owned()).unwrap()
        };
        let sources: Vec<_> = files.iter().map(parse).collect();
        CrateTree::all_of(&sources).flat_map(|tree| check(&tree)).map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_name_of_two_types_is_found_in_any_two_modules() {
        let found = findings(&[
            ("lib.rs", "mod a;\nmod b;\nmod c { type Call = u8; }"),
            ("a.rs", "struct Call;\n"),
            ("b.rs", "\nenum Call {}"),
        ]);
        let what = "`Call` has the name of a type at crates/x/src/lib.rs:3";
        assert_eq!(found, [format!("crates/x/src/a.rs:1: {what}"), format!("crates/x/src/b.rs:2: {what}")]);
    }

    #[test]
    fn tests_functions_and_choices_are_free() {
        let found = findings(&[
            ("lib.rs", "mod a;\n#[cfg(unix)]\nstruct A;\n#[cfg(windows)]\nstruct A;\nfn f() { struct B; }"),
            ("a.rs", "struct B;\nfn call() {}\n#[cfg(test)]\nmod tests { struct A; }"),
            ("bin/main.rs", "struct A;"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
