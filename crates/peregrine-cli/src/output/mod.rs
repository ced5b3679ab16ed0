//! What a download becomes: a table of its first rows, or a file.

mod dictionaries;
mod file;
mod format;
mod table;

pub(crate) use self::file::UnnamedFile;
pub(crate) use self::format::FileFormat;
pub(crate) use self::table::FirstRows;
