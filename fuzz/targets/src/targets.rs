//! The list of all targets.

use crate::{Target, assembly, flight_data, ipc_decoder, ipc_file, ipc_stream, location, schema_bytes, trailers};

/// All of them.
pub const TARGETS: &[Target] = &[
    flight_data::TARGET,
    ipc_decoder::TARGET,
    ipc_stream::TARGET,
    ipc_file::TARGET,
    assembly::TARGET,
    location::TARGET,
    trailers::TARGET,
    schema_bytes::TARGET,
];

/// The target of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
