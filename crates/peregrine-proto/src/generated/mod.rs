// Made by `cargo xtask codegen` from proto/*.proto. Do not edit.
//! The messages of `proto/`, as prost makes them. Private: our own types stand in the public API.

#![allow(missing_docs, unreachable_pub, unnameable_types, dead_code)]
#![allow(clippy::all, rustdoc::all)]

#[rustfmt::skip]
pub(crate) mod flight;
#[cfg(any(test, feature = "sql"))]
#[rustfmt::skip]
pub mod flight_sql;

/// The descriptors of all files and of what they import, serialized.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("descriptor_set.bin");
