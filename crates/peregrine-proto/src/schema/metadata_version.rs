//! The versions of the IPC format.

use arrow_ipc::MetadataVersion as WireVersion;

/// The version of the IPC format that messages are written in. Both are read, whatever is written.
///
/// All types can be written in either. In V4 unions and run-end-encoded arrays have the place of a validity bitmap,
/// which stays empty; nothing else differs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetadataVersion {
    /// What Arrow wrote from 0.8 to 0.17, for those who read nothing newer.
    V4,
    /// What Arrow writes since 1.0.
    #[default]
    V5,
}

impl From<MetadataVersion> for WireVersion {
    fn from(version: MetadataVersion) -> Self {
        match version {
            MetadataVersion::V4 => Self::V4,
            MetadataVersion::V5 => Self::V5,
        }
    }
}
