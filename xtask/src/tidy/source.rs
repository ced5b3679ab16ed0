//! One Rust file as tidy sees it: its text, its syntax, and which of its lines are tests.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Item, Meta, Token};

/// A Rust file, parsed.
pub(super) struct SourceFile {
    path: PathBuf,
    text: String,
    syntax: syn::File,
    tests: Vec<RangeInclusive<usize>>,
}

impl SourceFile {
    /// Reads and parses `path`, which is relative to `root`.
    pub(super) fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("read {}", path.display()))?;
        Self::parse(path, text)
    }

    /// Parses a file's text.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self> {
        let syntax = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
        let tests = syntax.items.iter().filter(|item| is_test_item(item)).map(lines_of).collect();
        Ok(Self { path: path.to_owned(), text, syntax, tests })
    }

    /// Its place below the workspace's root.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its syntax tree.
    pub(super) fn syntax(&self) -> &syn::File {
        &self.syntax
    }

    /// The lines of each item that is compiled for tests alone. Lines count from 1.
    pub(super) fn inline_tests(&self) -> &[RangeInclusive<usize>] {
        &self.tests
    }

    /// Whether it holds nothing but tests.
    pub(super) fn is_test_file(&self) -> bool {
        self.path.ends_with("tests.rs") || self.has_folder("tests")
    }

    /// Whether a command wrote it.
    pub(super) fn is_generated(&self) -> bool {
        self.has_folder("generated")
    }

    /// Whether it is the root of a crate: `src/lib.rs` or `src/main.rs`.
    pub(super) fn is_crate_root(&self) -> bool {
        self.path.ends_with("src/lib.rs") || self.path.ends_with("src/main.rs")
    }

    /// Whether a line belongs to tests.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|lines| lines.contains(&line))
    }

    fn has_folder(&self, name: &str) -> bool {
        self.path.parent().is_some_and(|folder| folder.iter().any(|part| part == name))
    }
}

/// Whether an item is compiled for tests alone.
pub(super) fn is_test_item(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    is_for_tests(attributes)
}

/// Whether one of the attributes is `cfg(test)` or `cfg(all(.., test, ..))`.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    let mut conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.any(|attribute| attribute.parse_args::<Meta>().is_ok_and(|condition| needs_test(&condition)))
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            parts.is_ok_and(|parts| parts.iter().any(needs_test))
        }
        _ => false,
    }
}

fn lines_of(item: &Item) -> RangeInclusive<usize> {
    let span = item.span();
    span.start().line..=span.end().line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_module_counts_from_its_attribute_to_its_brace() {
        let text = "//! A file.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let file = SourceFile::parse(Path::new("crates/x/src/a.rs"), text.into()).unwrap();
        assert_eq!(file.inline_tests(), [3..=6]);
        assert!(file.is_test_line(5) && !file.is_test_line(2));
    }

    #[test]
    fn what_is_compiled_without_tests_too_is_no_test() {
        let text =
            "#[cfg(all(unix, test))]\nfn a() {}\n#[cfg(not(test))]\nfn b() {}\n#[cfg(any(test, unix))]\nfn c() {}\n";
        let file = SourceFile::parse(Path::new("crates/x/src/a.rs"), text.into()).unwrap();
        assert_eq!(file.inline_tests(), [1..=2]);
    }

    #[test]
    fn files_are_known_by_their_place() {
        let file = |path: &str| SourceFile::parse(Path::new(path), "//! A file.\n".into()).unwrap();
        assert!(file("crates/x/src/a/tests.rs").is_test_file());
        assert!(file("integration-tests/tests/it/do_get.rs").is_test_file());
        assert!(!file("integration-tests/src/bin/bench_server.rs").is_test_file());
        assert!(file("crates/x/src/generated/mod.rs").is_generated());
        assert!(file("xtask/src/main.rs").is_crate_root());
        assert!(!file("integration-tests/src/bin/main.rs").is_crate_root());
    }
}
