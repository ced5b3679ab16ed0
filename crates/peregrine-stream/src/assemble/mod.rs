//! Message parts into HTTP/2 frames, and frames into messages.

mod incoming;
mod outgoing;

pub(crate) use self::incoming::{AssemblyStats, MessageAssembler};
pub use self::outgoing::BodyAlignment;
pub(crate) use self::outgoing::{FRAME_TARGET, FrameAssembler, HEAD_ROOM, encoder_within};
