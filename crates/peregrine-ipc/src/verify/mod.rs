//! What is checked of a header before anything is made of it or of its body, for all who read messages.

mod parts;

pub(crate) use self::parts::{
    OTHER_VERSION, Parts, body_length, footer, header_length, message, message_length, other_kind,
};
