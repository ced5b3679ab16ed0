//! Which files below the served folder are flights, and what each is called.

use std::collections::HashMap;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::log::log_once;

/// The file formats that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Parquet, `.parquet`.
    Parquet,
    /// The Arrow IPC file format, `.arrow`, also called Feather, `.feather`.
    Arrow,
}

/// A file that is a flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedFile {
    /// What the flight is called: folders and file name joined with `/`, without the ending unless two files would
    /// share the name.
    pub(super) name: String,
    /// Where the file is. For a link this is the place that it leads to.
    pub(super) path: PathBuf,
    pub(super) format: Format,
}

/// Reads the folder anew and answers its flights, sorted by name. `root` must be canonical.
///
/// Files and folders whose name begins with a dot are not looked at. Links to folders are not followed; a link to a
/// file is, as long as it leads to a place below `root` that is looked at. What cannot be looked at is left out with a
/// line in the log, once: only an unreadable `root` is an error.
pub(super) fn list(root: &Path) -> io::Result<Vec<NamedFile>> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if folder == root => return Err(error),
            Err(error) => {
                log_once(format_args!("skipped folder {folder:?}: {error}"));
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| look_at(root, &prefix, &entry)) {
                Ok(Seen::Folder(path, prefix)) => folders.push((path, prefix)),
                Ok(Seen::File(file)) => found.push(file),
                Ok(Seen::Nothing) => {}
                Err(error) => log_once(format_args!("skipped an entry of {folder:?}: {error}")),
            }
        }
    }
    Ok(named(found))
}

/// A data file below the root, not yet named.
struct Found {
    /// Relative path without the ending.
    stem: String,
    ending: &'static str,
    path: PathBuf,
    format: Format,
}

enum Seen {
    Folder(PathBuf, String),
    File(Found),
    Nothing,
}

fn look_at(root: &Path, prefix: &str, entry: &DirEntry) -> io::Result<Seen> {
    let (name, path) = (entry.file_name(), entry.path());
    let kind = entry.file_type()?;
    let Some(name) = name.to_str() else {
        log_once(format_args!("skipped {path:?}: its name is not UTF-8"));
        return Ok(Seen::Nothing);
    };
    if name.starts_with('.') {
        return Ok(Seen::Nothing);
    }
    if kind.is_dir() {
        return Ok(Seen::Folder(path, format!("{prefix}{name}/")));
    }
    let Some((stem, ending, format)) = split_ending(name) else {
        return Ok(Seen::Nothing);
    };
    let Some(path) = resolve(root, path, kind) else {
        return Ok(Seen::Nothing);
    };
    Ok(Seen::File(Found { stem: format!("{prefix}{stem}"), ending, path, format }))
}

fn split_ending(name: &str) -> Option<(&str, &'static str, Format)> {
    let formats = [(".parquet", Format::Parquet), (".arrow", Format::Arrow), (".feather", Format::Arrow)];
    formats.into_iter().find_map(|(ending, format)| Some((name.strip_suffix(ending)?, ending, format)))
}

/// The regular file that an entry stands for, if it may be served.
fn resolve(root: &Path, path: PathBuf, kind: FileType) -> Option<PathBuf> {
    if kind.is_file() {
        return Some(path);
    }
    if !kind.is_symlink() {
        return None;
    }
    let target = match fs::canonicalize(&path) {
        Ok(target) => target,
        Err(error) => {
            log_once(format_args!("skipped link {path:?}: {error}"));
            return None;
        }
    };
    let Ok(below) = target.strip_prefix(root) else {
        log_once(format_args!("skipped link {path:?}: it leads out of the served folder"));
        return None;
    };
    if below.iter().any(|part| part.as_encoded_bytes().starts_with(b".")) {
        log_once(format_args!("skipped link {path:?}: it leads to what is not looked at"));
        return None;
    }
    target.is_file().then_some(target)
}

/// Names the files. Where two would get one name both keep their endings, and so does a third whose name without
/// ending is one of those.
fn named(found: Vec<Found>) -> Vec<NamedFile> {
    let mut names: Vec<String> = found.iter().map(|file| file.stem.clone()).collect();
    // Each round gives at least one more file its ending back, and names with endings are distinct, so this ends.
    loop {
        let shared = indices_of_shared(&names, &found);
        if shared.is_empty() {
            break;
        }
        for i in shared {
            names[i].push_str(found[i].ending);
        }
    }
    let with_name = |(name, file): (String, Found)| NamedFile { name, path: file.path, format: file.format };
    let mut files: Vec<NamedFile> = names.into_iter().zip(found).map(with_name).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The files without ending in their names whose name another file has too.
fn indices_of_shared(names: &[String], found: &[Found]) -> Vec<usize> {
    let mut uses = HashMap::<&str, usize>::new();
    for name in names {
        *uses.entry(name).or_default() += 1;
    }
    (0..names.len()).filter(|&i| names[i] == found[i].stem && uses[names[i].as_str()] > 1).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with empty files at these places.
    fn folder_with(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        (folder, root)
    }

    fn names(root: &Path) -> Vec<String> {
        list(root).unwrap().into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn names_are_relative_paths_without_ending() {
        let (_folder, root) =
            folder_with(&["trips.parquet", "deep/er/wide.arrow", "a.b.parquet", "f.feather", "notes.txt", "arrow"]);
        assert_eq!(names(&root), ["a.b", "deep/er/wide", "f", "trips"]);
    }

    #[test]
    fn two_files_of_one_name_keep_their_endings() {
        let (_folder, root) = folder_with(&["a.parquet", "a.arrow", "b.arrow", "in/a.arrow"]);
        assert_eq!(names(&root), ["a.arrow", "a.parquet", "b", "in/a"]);
    }

    #[test]
    fn a_name_given_back_its_ending_may_meet_a_third() {
        let (_folder, root) = folder_with(&["a.parquet", "a.arrow", "a.parquet.arrow", "a.parquet.arrow.parquet"]);
        assert_eq!(names(&root), ["a.arrow", "a.parquet", "a.parquet.arrow", "a.parquet.arrow.parquet"]);
    }

    #[test]
    fn files_and_folders_with_a_dot_in_front_are_not_looked_at() {
        let (_folder, root) = folder_with(&[".a.parquet", ".parquet", ".git/b.parquet", "c.parquet"]);
        assert_eq!(names(&root), ["c"]);
    }

    #[test]
    fn names_that_are_not_utf_8_are_left_out() {
        let (_folder, root) = folder_with(&["a.parquet"]);
        fs::write(root.join(OsStr::from_bytes(b"\xff.parquet")), b"").unwrap();
        assert_eq!(names(&root), ["a"]);
    }

    #[test]
    fn links_lead_nowhere_else() {
        let (_outside, outside) = folder_with(&["secret.parquet", "more/secret.parquet"]);
        let (_folder, root) = folder_with(&["a.parquet", "in/b.parquet", ".hidden.parquet", ".git/c.parquet"]);
        symlink(outside.join("secret.parquet"), root.join("out.parquet")).unwrap();
        symlink(outside.join("more"), root.join("more")).unwrap();
        symlink("../../../../../../../../etc/hostname", root.join("up.parquet")).unwrap();
        symlink("nowhere", root.join("dangling.parquet")).unwrap();
        symlink("self.parquet", root.join("self.parquet")).unwrap();
        symlink("in/b.parquet", root.join("inside.parquet")).unwrap();
        symlink(".", root.join("loop")).unwrap();
        symlink(".hidden.parquet", root.join("shown.parquet")).unwrap();
        symlink(".git/c.parquet", root.join("deep.parquet")).unwrap();
        assert_eq!(names(&root), ["a", "in/b", "inside"]);
        let inside = list(&root).unwrap().into_iter().find(|file| file.name == "inside").unwrap();
        assert_eq!(inside.path, root.join("in/b.parquet"));
    }

    #[test]
    fn a_folder_named_like_a_file_is_a_folder() {
        let (_folder, root) = folder_with(&["a.parquet/b.parquet"]);
        assert_eq!(names(&root), ["a.parquet/b"]);
    }

    #[test]
    fn a_root_that_is_gone_is_an_error() {
        let (folder, root) = folder_with(&[]);
        drop(folder);
        assert!(list(&root).is_err());
    }
}
