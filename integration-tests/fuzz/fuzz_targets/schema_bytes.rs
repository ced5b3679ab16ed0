//! `cargo fuzz run schema_bytes`.
#![no_main]

fuzz::program!("schema_bytes");
