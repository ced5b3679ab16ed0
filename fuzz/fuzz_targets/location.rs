//! `cargo fuzz run location`.
#![no_main]

fuzz_programs::program!("location");
