//! Arrow Flight RPC for Rust: everything of Peregrine under one name. Re-exports and nothing else.

pub use peregrine_client as client;
pub use peregrine_ipc as ipc;
pub use peregrine_proto as proto;
pub use peregrine_server as server;
pub use peregrine_stream as stream;
pub use peregrine_transport as transport;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
