//! What is checked of a header before anything is made of it or of its body, for all who read messages.

mod header;
mod length;
mod node;
mod parts;

pub(crate) use self::header::{OTHER_VERSION, footer, message, other_kind};
pub(crate) use self::length::{body_length, header_length, message_length};
pub(crate) use self::node::{MAX_ROWS, Node, checked_rows};
pub(crate) use self::parts::Parts;
