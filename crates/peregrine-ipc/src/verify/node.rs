//! What a message states about an array, as far as that can be true.

use crate::error::Error;
use crate::problem::Problem;

/// The most rows that an array may have, as in C++ unless told otherwise. Nulls and empty structs have no bytes that
/// would bound them.
pub(crate) const MAX_ROWS: usize = i32::MAX as usize;

/// The rows and nulls that a message states for an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) rows: usize,
    pub(crate) nulls: usize,
}

impl Node {
    /// What a message states about an array, as far as that can be true.
    pub(crate) fn checked(rows: i64, nulls: i64) -> Result<Self, Error> {
        let rows = checked_rows(rows)?;
        match usize::try_from(nulls) {
            Ok(nulls) if nulls <= rows => Ok(Self { rows, nulls }),
            _ => Err(Error::field(Problem::Nulls { stated: nulls, actual: rows })),
        }
    }

    /// Fails for a union or run ends that had nulls before version 5.
    pub(crate) fn no_nulls_of_its_own(self) -> Result<(), Error> {
        match self.nulls {
            0 => Ok(()),
            _ => Err(Error::field(Problem::Unsupported { what: "a union or run ends with nulls of their own" })),
        }
    }
}

/// A number of rows that an array can have.
pub(crate) fn checked_rows(stated: i64) -> Result<usize, Error> {
    let rows = usize::try_from(stated).ok().filter(|&rows| rows <= MAX_ROWS);
    rows.ok_or_else(|| Error::field(Problem::Rows { stated, expected: MAX_ROWS }))
}
