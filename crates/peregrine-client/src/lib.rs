//! A client for Arrow Flight services: every RPC, with options that ride on the client.

mod availability;
mod builder;
mod call;
mod client;
mod completion;
mod config;
mod defined_actions;
mod options;

pub use crate::builder::FlightClientBuilder;
pub use crate::client::FlightClient;
pub use crate::options::FlightCallOptions;
