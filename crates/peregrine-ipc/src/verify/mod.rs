//! What is checked of a header before anything is made of it or of its body, for all who read messages.

mod header;
mod node;
mod parts;
mod stated_length;

pub(crate) use self::header::{OTHER_VERSION, footer, message, other_kind};
pub(crate) use self::node::{MAX_ROWS, Node, checked_rows};
pub(crate) use self::parts::Parts;
pub(crate) use self::stated_length::{body_length, header_length, message_length};
