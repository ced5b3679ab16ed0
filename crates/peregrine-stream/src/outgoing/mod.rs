//! Messages into HTTP/2 frames.

pub(crate) mod frame_assembler;
pub(crate) mod frames;
pub(crate) mod pipe;
pub(crate) mod written_frames;
