//! `cargo fuzz run assembly`.
#![no_main]

fuzz_programs::program!("assembly");
