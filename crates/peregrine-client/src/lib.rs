//! A client for Arrow Flight services: every RPC, with options for each call.

mod action;
mod builder;
mod call;
mod client;
mod lifecycle;
mod options;

pub use crate::builder::FlightClientBuilder;
pub use crate::client::FlightClient;
pub use crate::options::FlightCallOptions;
