//! Record batches in, Flight message parts out, and back. Performs no I/O and starts no task.
//!
//! An [`Encoder`] turns batches of one schema into [`EncodedMessage`]s: a header, and a body that is a list of buffers
//! which share the arrays' memory. A [`Decoder`] turns headers and bodies back into batches that share the bodies'
//! memory. Nothing that a message states is believed: every length, offset and count is checked against the bytes at
//! hand and the schema before it is used, and hostile bytes end in an [`Error`], never in a panic.
//!
//! ```
//! use std::sync::Arc;
//! use arrow_array::{ArrayRef, Int64Array, RecordBatch};
//! use peregrine_ipc::{Decoded, Decoder, Encoder, IpcReadOptions, IpcWriteOptions, MessageLimits};
//!
//! let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
//! let batch = RecordBatch::try_from_iter([("id", ids)])?;
//!
//! let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default())?;
//! let mut messages = vec![encoder.schema_message()];
//! encoder.encode(&batch, &mut messages)?;
//!
//! let mut decoder = Decoder::new(IpcReadOptions::default(), MessageLimits::default());
//! let mut batches = Vec::new();
//! for message in messages {
//!     if let Decoded::RecordBatch(batch) = decoder.decode(&message.header, message.body_bytes())? {
//!         batches.push(batch);
//!     }
//! }
//! assert_eq!(batches, [batch]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compression;
mod container;
mod decode;
mod encode;
mod error;
mod format_problem;
mod message;
mod options;
mod problem;
mod schema;
mod stats;
mod verify;

pub use peregrine_proto::{MessageLimits, MetadataVersion};

pub use crate::compression::CompressionCodec;
pub use crate::container::{FileBlock, FileFooter, IpcMessage, StreamMessages};
pub use crate::decode::{Decoded, Decoder, PassThrough};
pub use crate::encode::{Encoder, EncoderCheckpoint, Pieces};
pub use crate::error::Error;
pub use crate::format_problem::FormatProblem;
pub use crate::message::{EncodedMessage, MessageKind};
pub use crate::options::{IpcReadOptions, IpcWriteOptions};
pub use crate::problem::Problem;
pub use crate::schema::DictionaryIds;
pub use crate::stats::{DecodeStats, EncodeStats};
