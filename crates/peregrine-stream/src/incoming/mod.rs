//! Parts of messages into messages.

pub(crate) mod message_assembler;
