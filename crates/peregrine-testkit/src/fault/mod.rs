//! Faults between a real client and a real server, at the level of bytes: connections that are cut, stall or drip, and
//! frames of HTTP/2 that neither of the two sent.
//!
//! Nothing here looks at a clock or at chance: a fault strikes after a number of bytes, or when the test says so.

mod connector;
mod cursor;
mod faults;
mod frame;
mod lane;
mod link;
mod plan;
#[cfg(test)]
mod tests;

pub use self::connector::FaultyConnector;
pub use self::faults::Faults;
pub use self::frame::{ErrorCode, Frame};
pub use self::plan::{Direction, Fault};
