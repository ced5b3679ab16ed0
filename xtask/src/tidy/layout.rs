//! Where files stand and what they are called.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::finding::Finding;
use super::source::SourceFile;
use super::table::{EMPTY_WORDS, TOP_LEVEL};

/// Every file below `root`, relative to it and in order; `target` and what begins with a dot are left out.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with('.') || name == "target" {
                continue;
            }
            let path = folder.join(name);
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The top of the workspace holds what the design names and nothing else.
pub(super) fn check_top_level(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_ref()) {
            findings.push(Finding::new(Path::new(name.as_ref()), 1, "does not belong at the top of the workspace"));
        }
    }
    Ok(findings)
}

/// A file begins by saying what it is for; a generated one, by naming the command that makes it.
pub(super) fn check_header(source: &SourceFile) -> Option<Finding> {
    let first = source.text().lines().next().unwrap_or_default();
    let what = match source.is_generated() {
        true if first.starts_with("//") && first.contains("cargo xtask") => return None,
        true => "a generated file begins with the command that makes it",
        false if first.starts_with("//! ") => return None,
        false => "a file begins with a `//!` line that says what it is for",
    };
    Some(Finding::new(source.path(), 1, what))
}

/// No two files of a crate share a name, and no name is an empty word. Each program and each folder of tests of a
/// package is a crate.
pub(super) fn check_names(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first_of = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_generated()) {
        let path = source.path();
        for part in path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()) {
            if part.split(['_', '-']).any(|word| EMPTY_WORDS.contains(&word)) {
                findings.push(Finding::new(path, 1, format!("`{part}` says nothing about what it is for")));
            }
        }
        let name = path.file_name().unwrap_or_default();
        if name == "mod.rs" || name == "tests.rs" {
            continue;
        }
        if let Some(first) = first_of.insert((crate_of(path), name), path) {
            findings.push(Finding::new(
                path,
                1,
                format!("has the name of {}: a name leads to one file", first.display()),
            ));
        }
    }
    findings
}

/// The crate of a package that a file belongs to: named by its folder, empty for the package's own.
fn crate_of(path: &Path) -> &OsStr {
    let mut parts = path.iter().skip_while(|part| *part != "src" && *part != "tests");
    let folder = parts.next();
    let next = parts.next().unwrap_or_default();
    match folder {
        Some(folder) if folder == "tests" => next,
        Some(_) if next == "bin" => parts.next().unwrap_or_default(),
        _ => OsStr::new(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> SourceFile {
        SourceFile::parse(Path::new(path), text.into()).unwrap()
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(check_header(&source("crates/x/src/a.rs", "//! Rows.\n")), None);
        assert!(check_header(&source("crates/x/src/a.rs", "\n//! Rows.\n")).is_some());
        assert!(check_header(&source("crates/x/src/a.rs", "use std::fmt;\n")).is_some());
    }

    #[test]
    fn a_generated_file_names_its_command() {
        let path = "crates/x/src/generated/a.rs";
        assert_eq!(check_header(&source(path, "// Made by `cargo xtask codegen`.\n")), None);
        assert!(check_header(&source(path, "//! Messages.\n")).is_some());
    }

    #[test]
    fn names_lead_to_one_file() {
        let found = check_names(&[
            source("crates/x/src/read/error.rs", ""),
            source("crates/x/src/read/mod.rs", ""),
            source("crates/x/src/write/error.rs", ""),
            source("crates/x/src/write/mod.rs", ""),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::new("crates/x/src/write/error.rs"));
    }

    #[test]
    fn programs_and_folders_of_tests_are_crates_of_their_own() {
        let found = check_names(&[
            source("crates/x/src/error.rs", ""),
            source("crates/x/src/bin/one/error.rs", ""),
            source("crates/x/src/bin/two/error.rs", ""),
            source("crates/x/tests/it/error.rs", ""),
            source("crates/x/tests/it/deep/error.rs", ""),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::new("crates/x/tests/it/deep/error.rs"));
    }

    #[test]
    fn empty_words_are_refused() {
        let names = |path: &str| check_names(&[source(path, "")]).len();
        assert_eq!(names("crates/x/src/utils.rs"), 1);
        assert_eq!(names("crates/x/src/test_helpers/a.rs"), 1);
        assert_eq!(names("crates/x/src/utilization.rs"), 0);
    }
}
