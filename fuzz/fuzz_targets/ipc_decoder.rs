//! `cargo fuzz run ipc_decoder`.
#![no_main]

fuzz_programs::program!("ipc_decoder");
