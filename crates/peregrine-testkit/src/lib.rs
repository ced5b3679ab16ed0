//! A harness for tests of Flight services and clients: both ends in one process, without a network.

pub mod batches;
pub mod fault;
pub mod one_rpc;
mod pair;
pub mod random;
pub mod scenario;
mod service;
pub mod waiting;

pub use crate::pair::{Pair, PairConnector};
pub use crate::service::MemoryService;
