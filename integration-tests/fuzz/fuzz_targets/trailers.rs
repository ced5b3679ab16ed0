//! `cargo fuzz run trailers`.
#![no_main]

fuzz::program!("trailers");
