//! `cargo fuzz run trailers`.
#![no_main]

fuzz_programs::program!("trailers");
