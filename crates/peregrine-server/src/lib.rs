//! A framework for Arrow Flight servers: a trait with the ten RPCs, and one way that every call takes.

mod builder;
mod context;
mod dispatch;
mod embed;
mod finish;
mod lifecycle;
mod service;
mod signals;
mod upload;

pub use crate::builder::{BoundServer, FlightServer, FlightServerBuilder};
pub use crate::context::ServerCallContext;
pub use crate::embed::EmbeddedFlight;
pub use crate::lifecycle::RunningServer;
pub use crate::service::FlightService;
pub use crate::signals::Signals;
