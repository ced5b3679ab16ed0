//! The codec as a whole, through its public API: against itself, against arrow-ipc, and against hostile bytes.

mod framing;

mod alignment;
mod compression;
mod deltas;
mod dictionaries;
mod growing;
mod ids;
mod limits;
mod messages;
mod mutations;
mod passes;
mod pieces;
mod projection;
mod random_tables;
mod round_trip;
mod sharing;
mod strictness;
mod versions;
