//! Messages into HTTP/2 frames.

pub(crate) mod body_alignment;
pub(crate) mod data_source;
pub(crate) mod encoded_source;
pub(crate) mod frame_assembler;
pub(crate) mod frame_config;
pub(crate) mod frames;
pub(crate) mod pipe;
pub(crate) mod write_config;
pub(crate) mod written_frames;
