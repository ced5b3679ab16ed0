//! What `peregrine-sql` is built from: the messages of Flight SQL as prost generates them, the way from a public type to
//! one of them, and the envelope that they travel in. Outside of semver.

mod any_message;

pub use self::any_message::AnyMessage;
pub use crate::flight_messages;
pub use crate::generated::flight_sql as generated;
pub use crate::message::Generated;
