//! `cargo fuzz run ipc_file`.
#![no_main]

fuzz::program!("ipc_file");
