//! `cargo fuzz run schema_bytes`.
#![no_main]

fuzz_programs::program!("schema_bytes");
