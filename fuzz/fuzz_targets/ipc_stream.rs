//! `cargo fuzz run ipc_stream`.
#![no_main]

fuzz_programs::program!("ipc_stream");
