//! `cargo fuzz run ipc_decoder`.
#![no_main]

fuzz::program!("ipc_decoder");
