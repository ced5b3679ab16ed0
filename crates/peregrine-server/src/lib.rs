//! A framework for Arrow Flight servers: a trait with the ten RPCs, and one way that every call takes.

mod answer;
mod builder;
mod completion;
mod context;
mod dispatch;
mod duplex;
mod embed;
mod running;
mod served;
mod service;
mod settings;
mod signals;

pub use crate::builder::{BoundServer, FlightServer, FlightServerBuilder};
pub use crate::context::ServerCallContext;
pub use crate::embed::EmbeddedFlight;
pub use crate::running::RunningServer;
pub use crate::service::FlightService;
pub use crate::signals::Signals;
