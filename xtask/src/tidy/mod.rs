//! Checks the rules of the house that a compiler does not know: floors, budgets, names, what may be used where.

mod budgets;
mod circles;
mod comments;
mod crate_tree;
mod finding;
mod graph;
mod layout;
mod manifest;
mod names_in_code;
mod source;
mod table;
mod tokens;
mod type_names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::crate_tree::CrateTree;
use self::finding::Finding;
use self::manifest::Manifest;
use self::source::SourceFile;
use self::table::OWN_WORKSPACES;

/// Checks the workspace at `root` and prints what breaks a rule.
///
/// # Errors
/// If anything does, or if a file cannot be read or parsed.
pub(crate) fn run(root: &Path) -> Result<()> {
    let files = layout::files(root)?;
    let mut findings = layout::check_top_level(root)?;
    let mut members = BTreeMap::<PathBuf, Member>::new();
    for path in &files {
        if path.ends_with("Cargo.toml") && path != Path::new("Cargo.toml") {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            members.insert(folder, Member { manifest: Manifest::read(root, path)?, sources: Vec::new() });
        }
    }
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let member = members.iter_mut().rev().find(|(folder, _)| path.starts_with(folder));
        let (_, member) = member.with_context(|| format!("{} is in no crate", path.display()))?;
        member.sources.push(SourceFile::read(root, path)?);
    }
    let mut features = Vec::new();
    for member in members.values() {
        member.check(&mut findings);
        features.extend(member.sources.iter().flat_map(tokens::feature_lines));
    }
    findings.extend(tokens::check_feature_count(&features));
    findings.extend(tokens::check_unsafe_list(members.values().flat_map(|member| &member.sources)));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let sources: usize = members.values().map(|member| member.sources.len()).sum();
    match findings.len() {
        0 => println!("tidy: {} crates with {sources} Rust files keep the rules", members.len()),
        count => bail!("tidy: {count} places break a rule"),
    }
    Ok(())
}

/// A crate of the workspace: its manifest and its Rust files.
struct Member {
    manifest: Manifest,
    sources: Vec<SourceFile>,
}

impl Member {
    fn check(&self, findings: &mut Vec<Finding>) {
        if !self.is_own_workspace() {
            findings.extend(self.manifest.check());
        }
        findings.extend(layout::check_names(&self.sources));
        for tree in CrateTree::all_of(&self.sources) {
            findings.extend(circles::check(&tree));
            findings.extend(type_names::check(&tree));
        }
        for source in &self.sources {
            findings.extend(layout::check_header(source));
            findings.extend(tokens::check(source, self.manifest.name()));
            if !source.is_generated() {
                findings.extend(budgets::check(source));
                findings.extend(comments::check(source));
            }
        }
    }

    fn is_own_workspace(&self) -> bool {
        OWN_WORKSPACES.iter().any(|(folder, _)| self.manifest.folder() == Path::new(folder))
    }
}
