//! Parts of messages into messages.

pub(crate) mod complete_messages;
pub(crate) mod incoming_parts;
pub(crate) mod message_assembler;
pub(crate) mod message_source;
pub(crate) mod read_config;

#[cfg(test)]
mod tests;
