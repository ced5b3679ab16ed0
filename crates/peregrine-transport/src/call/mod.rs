//! A call while it runs: its end, its body, and the messages that are read of it.

pub(crate) mod any_body;
pub(crate) mod backlog;
pub(crate) mod drive;
pub(crate) mod held_body;
pub(crate) mod message_reader;
pub(crate) mod parts;
pub(crate) mod shared_reader;
pub(crate) mod side;
pub(crate) mod token;
pub(crate) mod waker_slot;
pub(crate) mod wakers;
