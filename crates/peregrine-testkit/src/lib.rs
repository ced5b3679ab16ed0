//! A harness for tests of Flight services and clients: both ends in one process, without a network.

pub mod batches;
mod pair;
pub mod scenario;
mod service;

pub use crate::pair::Pair;
pub use crate::service::MemoryService;
