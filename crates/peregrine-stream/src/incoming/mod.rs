//! Parts of messages into messages.

pub(crate) mod message_assembler;
pub(crate) mod read_config;
