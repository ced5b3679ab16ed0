//! One Rust file as tidy sees it: its text, its syntax, and which of its lines are tests.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::{Attribute, Item, Meta};

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

fn is_test_item(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    };
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
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
