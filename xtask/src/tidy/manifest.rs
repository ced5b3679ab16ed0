//! Manifests: which crate may depend on which, and that versions stand in the root alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::finding::Finding;
use super::table::{FLOORS, FOREIGN, NETWORK, STANDS_ALONE, TESTKIT};

/// The manifest of a member, read line by line: members are written that plainly, and a check says so if not.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
    name: String,
    entries: Vec<Entry>,
}

/// A `key = value` line below its `[section]`.
#[derive(Debug)]
struct Entry {
    line: usize,
    section: String,
    key: String,
    value: String,
}

impl Entry {
    fn is_dependency(&self) -> bool {
        self.section.ends_with("dependencies")
    }

    fn is_for_tests(&self) -> bool {
        self.section.ends_with("dev-dependencies")
    }

    /// The name before `.workspace`.
    fn name(&self) -> &str {
        self.key.split('.').next().unwrap_or(&self.key)
    }

    fn is_inherited(&self) -> bool {
        (self.key.ends_with(".workspace") && self.value == "true") || self.value.contains("workspace = true")
    }
}

impl Manifest {
    /// Reads the manifest at `path`, which is relative to `root`.
    pub(super) fn read(root: &Path, path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("read {}", path.display()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut section = String::new();
        let mut entries = Vec::<Entry>::new();
        let mut open_brackets = 0;
        for (line, number) in text.lines().map(without_comment).zip(1..) {
            let brackets = balance(line);
            if open_brackets > 0 {
                // The rest of a list that spans lines.
                open_brackets += brackets;
                if let Some(entry) = entries.last_mut() {
                    entry.value.push_str(line);
                }
            } else if let Some(name) = line.strip_prefix('[') {
                section = name.trim_matches(['[', ']']).to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                open_brackets = brackets;
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                entries.push(Entry { line: number, section: section.clone(), key, value });
            }
        }
        let name = entries.iter().find(|entry| entry.section == "package" && entry.key == "name");
        let name = name.with_context(|| format!("{} has no package name", path.display()))?.value.trim_matches('"');
        Ok(Self { path: path.to_owned(), name: name.to_owned(), entries })
    }

    /// The crate's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where the package is.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Everything that a member's manifest is held to.
    pub(super) fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let Some(floor) = floor_of(&self.name) else {
            findings.push(Finding::new(&self.path, 1, format!("`{}` has no floor in tidy's table", self.name)));
            return findings;
        };
        for entry in &self.entries {
            let what =
                if entry.is_dependency() { self.check_dependency(entry, floor) } else { check_package_entry(entry) };
            findings.extend(what.map(|what| Finding::new(&self.path, entry.line, what)));
        }
        if !self.entries.iter().any(|entry| entry.section == "lints" && entry.is_inherited_key()) {
            findings.push(Finding::new(&self.path, 1, "`[lints]` with `workspace = true` is missing"));
        }
        findings
    }

    fn check_dependency(&self, entry: &Entry, floor: u8) -> Option<String> {
        let name = entry.name();
        if !entry.is_inherited() {
            return Some(format!("`{name}`: versions stand in the root manifest, here it is `workspace = true`"));
        }
        if let Some(below) = floor_of(name) {
            if self.name == STANDS_ALONE {
                return Some(format!("`{STANDS_ALONE}` depends on no crate of the workspace"));
            }
            let for_tests = name == TESTKIT && entry.is_for_tests();
            if below >= floor && !for_tests {
                return Some(format!(
                    "`{}` (floor {floor}) may not depend on `{name}` (floor {below}): arrows point down",
                    self.name
                ));
            }
        }
        let foreign = FOREIGN.iter().find(|(pattern, _)| matches(pattern, name));
        if let Some((_, allowed)) = foreign.filter(|(_, allowed)| !allowed.contains(&self.name.as_str())) {
            return Some(format!("`{name}` is for {} alone", allowed.join(", ")));
        }
        let opens_sockets = name == "tokio" && entry.value.contains("\"net\"");
        (opens_sockets && !NETWORK.contains(&self.name.as_str()))
            .then(|| "tokio's `net`: only peregrine-transport opens sockets".to_owned())
    }
}

impl Entry {
    fn is_inherited_key(&self) -> bool {
        self.key == "workspace" && self.value == "true"
    }
}

fn check_package_entry(entry: &Entry) -> Option<String> {
    let in_root = ["version", "edition", "rust-version", "license", "authors"];
    if entry.section == "package" && in_root.contains(&entry.key.as_str()) {
        return Some(format!(
            "`{}` stands in the root manifest, here it is `{}.workspace = true`",
            entry.key, entry.key
        ));
    }
    let long_form = entry.section.contains("dependencies.");
    long_form.then(|| format!("`[{}]`: a dependency is one line", entry.section))
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(of, _)| *of == name).map(|(_, floor)| *floor)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn without_comment(line: &str) -> &str {
    // No string of a member's manifest holds a `#`.
    line.split('#').next().unwrap_or_default().trim()
}

fn balance(line: &str) -> isize {
    line.chars().map(|c| if matches!(c, '[' | '{') { 1 } else { -isize::from(matches!(c, ']' | '}')) }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[package]\nname = \"NAME\"\nversion.workspace = true\n[lints]\nworkspace = true\n";

    fn findings(name: &str, rest: &str) -> Vec<String> {
        let text = format!("{}{rest}", HEAD.replace("NAME", name));
        let manifest = Manifest::parse(Path::new("crates/x/Cargo.toml"), &text).unwrap();
        manifest.check().into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    #[test]
    fn arrows_point_down_in_every_kind_of_dependency() {
        assert!(findings("peregrine-ipc", "[dependencies]\nperegrine-proto.workspace = true\n").is_empty());
        for section in ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
            let found = findings("peregrine-ipc", &format!("[{section}]\nperegrine-transport.workspace = true\n"));
            assert_eq!(found.len(), 1, "{section}");
            assert!(found[0].starts_with("7: `peregrine-ipc` (floor 2) may not depend on"), "{found:?}");
        }
    }

    #[test]
    fn the_testkit_is_there_for_the_tests_of_all_below_it() {
        for name in ["peregrine-proto", "peregrine-stream", "peregrine-server"] {
            assert!(findings(name, "[dev-dependencies]\nperegrine-testkit.workspace = true\n").is_empty(), "{name}");
            assert_eq!(findings(name, "[dependencies]\nperegrine-testkit.workspace = true\n").len(), 1, "{name}");
            assert_eq!(findings(name, "[dev-dependencies]\nperegrine.workspace = true\n").len(), 1, "{name}");
        }
        assert_eq!(findings("xtask", "[dev-dependencies]\nperegrine-testkit.workspace = true\n").len(), 1);
    }

    #[test]
    fn xtask_stands_alone() {
        assert_eq!(findings("xtask", "[dependencies]\nperegrine-proto.workspace = true\n").len(), 1);
        assert!(findings("integration-tests", "[dependencies]\nperegrine.workspace = true\n").is_empty());
    }

    #[test]
    fn versions_stand_in_the_root() {
        let rest = "[dependencies]\nbytes = \"1\"\nhttp = { version = \"1\" }\nanyhow = { workspace = true }\n";
        assert_eq!(findings("peregrine-ipc", rest).len(), 2);
        assert_eq!(findings("peregrine-ipc", "[dependencies.bytes]\nworkspace = true\n").len(), 1);
        assert_eq!(findings("peregrine-ipc", "[package]\nversion = \"1.0.0\"\n").len(), 1);
    }

    #[test]
    fn the_network_belongs_to_the_transport() {
        let rest = "[dependencies]\nhyper-util.workspace = true\nh2.workspace = true\ntokio = { workspace = true, \
                    features = [\"net\"] }\n";
        assert_eq!(findings("peregrine-client", rest).len(), 3);
        assert!(findings("peregrine-transport", rest).is_empty());
        let many_lines = "[dependencies]\ntokio = { workspace = true, features = [\n  \"sync\",\n  \"net\",\n] }\n";
        assert_eq!(findings("peregrine-client", many_lines).len(), 1);
    }

    #[test]
    fn a_crate_without_a_floor_or_lints_is_found() {
        assert_eq!(findings("peregrine-surprise", "").len(), 1);
        let manifest = Manifest::parse(Path::new("Cargo.toml"), "[package]\nname = \"peregrine-ipc\"\n").unwrap();
        assert_eq!(manifest.check().len(), 1);
    }
}
