//! Made-up crates with circles, and without.

use std::path::Path;

use super::super::source::SourceFile;
use super::*;

/// The findings of a library of these files, whose paths are below `src`.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let parse = |(path, text): &(&str, &str)| {
        SourceFile::parse(&Path::new("crates/x/src").join(path), (*text).to_owned()).unwrap()
    };
    let sources: Vec<_> = files.iter().map(parse).collect();
    CrateTree::all_of(&sources).flat_map(|tree| check(&tree)).map(|finding| finding.to_string()).collect()
}

/// Holds these files to one circle, and gives how it is described: its arrows, without the folder.
#[track_caller]
fn circle(files: &[(&str, &str)]) -> Vec<String> {
    let found = findings(files);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].lines().skip(1).map(|line| line.trim().replace("crates/x/src/", "")).collect()
}

#[track_caller]
fn no_circle(files: &[(&str, &str)]) {
    assert_eq!(findings(files), [""; 0]);
}

const ROOT: (&str, &str) = ("lib.rs", "mod a;\nmod b;\n");

#[test]
fn a_circle_names_its_files_with_lines_and_items() {
    let files =
        [ROOT, ("a.rs", "\nuse crate::b::B;\npub struct A(B);"), ("b.rs", "use crate::a::A;\npub struct B(A);")];
    assert_eq!(circle(&files), ["a.rs:2 uses `B` of b.rs", "b.rs:1 uses `A` of a.rs"]);
    assert!(findings(&files)[0].starts_with("crates/x/src/a.rs:2: a circle of 2 files"));
}

#[test]
fn one_direction_is_no_circle() {
    no_circle(&[ROOT, ("a.rs", "use crate::b::B;\npub struct A(B);"), ("b.rs", "pub struct B;")]);
}

#[test]
fn longer_circles_are_one_finding() {
    let root = ("lib.rs", "mod a;\nmod b;\nmod c;\n");
    let found = circle(&[
        root,
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "use crate::c::C;\npub struct B(C);"),
        ("c.rs", "pub struct C;\nimpl C { fn a(&self) -> crate::a::A { todo() } }"),
    ]);
    assert_eq!(found.len(), 3);
    assert_eq!(found[2], "c.rs:2 uses `A` of a.rs");
}

#[test]
fn declarations_and_reexports_are_no_arrows() {
    // The parent lists its children, and they use each other through it, in one direction.
    no_circle(&[
        ("lib.rs", "mod parts;\npub use crate::parts::{A, B};\n"),
        ("parts/mod.rs", "mod a;\nmod b;\npub use self::a::A;\npub(crate) use self::b::*;\n"),
        ("parts/a.rs", "use super::B;\npub struct A(B);"),
        ("parts/b.rs", "pub struct B;"),
    ]);
}

#[test]
fn a_child_and_code_of_its_parent_are_a_circle() {
    let child = ("parts/a.rs", "use super::Kind;\npub(super) struct A(Kind);");
    let parent = "mod a;\npub enum Kind { One }\npub fn make() -> a::A { a::A(Kind::One) }";
    assert_eq!(
        circle(&[("lib.rs", "mod parts;"), ("parts/mod.rs", parent), child]),
        ["parts/mod.rs:3 uses `A` of parts/a.rs", "parts/a.rs:1 uses `Kind` of parts/mod.rs",]
    );
    // The same with the kind in a file of its own.
    let parent = "mod a;\nmod kind;\nuse self::kind::Kind;\npub fn make() -> a::A { a::A(Kind::One) }";
    no_circle(&[("lib.rs", "mod parts;"), ("parts/mod.rs", parent), child, ("parts/kind.rs", "pub enum Kind { One }")]);
}

#[test]
fn reexports_are_followed_to_the_definition() {
    let found = circle(&[
        ("lib.rs", "mod a;\nmod parts;\npub use parts::*;"),
        ("a.rs", "use crate::Renamed;\npub struct A(Renamed);"),
        ("parts/mod.rs", "mod b;\npub use b::B as Renamed;"),
        ("parts/b.rs", "pub struct B(super::super::a::A);"),
    ]);
    assert_eq!(found, ["a.rs:1 uses `B` of parts/b.rs", "parts/b.rs:1 uses `A` of a.rs"]);
}

#[test]
fn a_private_import_for_children_is_a_reexport() {
    no_circle(&[
        ("lib.rs", "mod parts;"),
        ("parts/mod.rs", "mod a;\nmod b;\nuse self::b::B;"),
        ("parts/a.rs", "use super::B;\npub struct A(B);"),
        ("parts/b.rs", "pub struct B;\nimpl B { fn a(&self) -> bool { super::super::parts::c() } }"),
    ]);
}

#[test]
fn nested_groups_and_globs() {
    let b = ("b.rs", "use crate::{a::{self, deep::{Deep as D}}, unknown::X};\npub struct B(D);");
    let deep = ("a/deep.rs", "use super::super::b::*;\npub struct Deep(Box<B>);");
    assert_eq!(
        circle(&[ROOT, ("a.rs", "pub mod deep;"), b, deep]),
        ["b.rs:1 uses `Deep` of a/deep.rs", "a/deep.rs:2 uses `B` of b.rs",]
    );
    // Nothing of what is there is used.
    let deep = ("a/deep.rs", "use super::super::b::*;\npub struct Deep(Box<C>);");
    no_circle(&[ROOT, ("a.rs", "pub mod deep;"), b, deep]);
}

#[test]
fn inline_paths_count_in_types_expressions_patterns_and_macros() {
    let b = ("b.rs", "pub const B: u8 = crate::a::A;");
    for code in [
        "pub const A: u8 = crate::b::B;",
        "pub const A: u8 = 1;\nfn f(x: u8) -> bool { matches!(x, super::b::B) }",
        "pub const A: u8 = 1;\nfn f(x: u8) { println!(\"{}\", crate::b::B) }",
        "pub const A: u8 = 1;\nfn f(x: u8) { match x { self::super::b::B => {}, _ => {} } }",
        "use crate::b;\npub const A: u8 = 1;\nfn f() -> u8 { b::B }",
        "pub const A: u8 = 1;\nfn f() -> u8 { use crate::b::B; B }",
        "pub const A: u8 = 1;\nmacro_rules! m { ($x:expr) => { $x + $crate::b::B } }",
        "pub const A: u8 = 1;\nmod inner { fn f() -> u8 { super::super::b::B } }",
    ] {
        assert_eq!(circle(&[ROOT, ("a.rs", code), b]).len(), 2, "{code}");
    }
}

#[test]
fn other_crates_and_variables_are_no_arrows() {
    let b = ("b.rs", "pub fn b() -> u8 { crate::a::A }\npub struct B;");
    for code in [
        "use ::b::B;\npub const A: u8 = 1;",
        "use bytes::b;\npub const A: u8 = 1;",
        "use crate::b::*;\npub const A: u8 = 1;\nfn f(b: u8) -> u8 { b }",
        "use crate::b::*;\npub const A: u8 = 1;\nfn f<B>(x: B) {}",
        "pub const A: u8 = 1;\nfn f(x: X) -> u8 { assert!(x.b == 1); x.b() }",
        "//! Like [`crate::b::B`].\npub const A: u8 = 1;",
    ] {
        no_circle(&[ROOT, ("a.rs", code), b]);
    }
}

#[test]
fn traits_are_used_without_their_names() {
    let b = ("b.rs", "use crate::a::A;\npub trait Do { fn f(&self) -> A; }");
    for import in ["use crate::b::Do;", "use crate::b::Do as _;"] {
        assert_eq!(circle(&[ROOT, ("a.rs", &format!("{import}\npub struct A;")), b]).len(), 2);
    }
}

#[test]
fn tests_are_left_out() {
    let b = ("b.rs", "use crate::a::A;\npub struct B(A);");
    for code in [
        "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }",
        "pub struct A;\n#[cfg(test)]\nuse crate::b::B;",
        "pub struct A;\nimpl A { #[cfg(test)] fn f() -> crate::b::B { todo() } }",
        "pub struct A;\n#[cfg(all(test, unix))]\nmod tests;",
    ] {
        no_circle(&[ROOT, ("a.rs", code), b, ("a/tests.rs", "use crate::b::B;")]);
    }
}

#[test]
fn each_program_is_a_crate() {
    let found = findings(&[
        ("lib.rs", "pub struct L;"),
        ("bin/one.rs", "use x::L;\nfn main() {}"),
        ("bin/two/main.rs", "mod a;\npub struct Main;\nfn main() { a::run(); }"),
        ("bin/two/a.rs", "use crate::Main;\npub fn run() {}"),
    ]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/x/src/bin/two/main.rs:3: a circle of 2 files"), "{found:?}");
}

#[test]
fn what_leads_to_itself_ends() {
    no_circle(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::*;\npub use b::*;\nuse serde::serde;"),
        ("a.rs", "pub use super::b::*;\npub use crate::x as y;\npub use crate::y as x;\nfn f() -> Unknown { x() }"),
        ("b.rs", "pub use super::a::*;\nfn f() -> Unknown { y() }"),
    ]);
}

#[test]
fn an_enum_is_where_its_variants_are() {
    let found = circle(&[
        ROOT,
        ("a.rs", "use crate::b::Kind::{One, Two};\npub struct A;"),
        ("b.rs", "pub enum Kind { One, Two(super::a::A) }"),
    ]);
    assert_eq!(found[0], "a.rs:1 uses `Kind` of b.rs");
}
