//! `cargo fuzz run ipc_stream`.
#![no_main]

fuzz::program!("ipc_stream");
