//! Decoding: messages to batches that share the bodies' memory, every statement of a header checked before use.

mod body;
mod decoder;
mod dictionaries;
mod flat;
mod layers;
mod lengths;
mod pass_through;
mod reader;
mod stream_state;
mod trust;
mod unvalidated;
mod valid;

pub use self::decoder::{Decoded, Decoder};
pub use self::pass_through::PassThrough;
