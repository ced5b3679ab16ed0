//! `cargo fuzz run flight_data`.
#![no_main]

fuzz_programs::program!("flight_data");
