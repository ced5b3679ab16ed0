//! `cargo fuzz run location`.
#![no_main]

fuzz::program!("location");
