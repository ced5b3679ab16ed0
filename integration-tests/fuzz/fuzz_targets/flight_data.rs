//! `cargo fuzz run flight_data`.
#![no_main]

fuzz::program!("flight_data");
