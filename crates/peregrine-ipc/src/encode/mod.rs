//! Encoding: batches of one schema to messages whose bodies share the arrays' memory.

mod check_batch;
mod encoder;
mod gather;
mod header_writer;
mod measure;
mod nested;
mod pieces;
mod place;
mod rows;
mod sent_dictionaries;
mod sink;
mod views;
mod walk;

pub use self::encoder::{Encoder, EncoderCheckpoint};
pub use self::pieces::Pieces;
