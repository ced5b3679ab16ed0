//! `cargo fuzz run ipc_file`.
#![no_main]

fuzz_programs::program!("ipc_file");
