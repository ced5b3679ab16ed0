//! `cargo fuzz run assembly`.
#![no_main]

fuzz::program!("assembly");
