//! Where the data lies. None of it is part of the project: beside it there may be a folder, and a variable may name one
//! more.

use std::env;
use std::path::{Path, PathBuf};

/// The folders of golden data, with subfolders.
pub(crate) const GOLDEN: Data = Data { name: "golden", variable: "PEREGRINE_GOLDEN_DIR" };

/// The folders of hostile data.
pub(crate) const HOSTILE: Data = Data { name: "hostile", variable: "PEREGRINE_HOSTILE_DIR" };

/// One kind of data.
pub(crate) struct Data {
    name: &'static str,
    variable: &'static str,
}

impl Data {
    /// All files that `is_wanted`, and a word about a folder that is not there.
    ///
    /// # Panics
    /// If the variable is set to a folder without such files.
    pub(crate) fn files(&self, is_wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let beside = root.join("../shared/data/arrow-ipc").join(self.name);
        let mut files = below(&beside);
        files.retain(|path| is_wanted(path));
        if files.is_empty() {
            println!("skipped: no {} data in {}", self.name, beside.display());
        }
        if let Some(folder) = env::var_os(self.variable) {
            let mut more = below(&root.join(&folder));
            more.retain(|path| is_wanted(path));
            assert!(!more.is_empty(), "no {} data in {}={}", self.name, self.variable, folder.display());
            files.extend(more);
        }
        files
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    files.retain(|path| path.is_file());
    files.extend(folders.iter().flat_map(|folder| below(folder)));
    files
}
