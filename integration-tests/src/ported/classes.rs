//! The services of pyarrow's file by the names of their classes, and where they can be served.

use std::path::PathBuf;

use anyhow::{Result, bail};
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::FlightError;
use peregrine::server::{BoundServer, EmbeddedFlight, FlightServerBuilder, FlightService, RunningServer};

use super::servers::{Servers, v4};
use super::{actions, constant, deltas, echo, errors, exchange, generated, info, large, lifecycle, numbered, slow};

impl Servers {
    /// Our own: in memory, except for those of which the URI is asked. Sockets are made in a folder.
    pub fn ours(folder: impl Into<PathBuf>) -> Self {
        Self::started_by(serve_named, folder.into())
    }
}

fn serve_named(name: &str, bound: BoundServer) -> Result<RunningServer> {
    let (class, options) = name.split_once(' ').unwrap_or((name, ""));
    serve(class, options, bound)
}

/// Where a service can be served.
pub trait Place {
    /// What serves it there.
    type Server;

    /// Serves it.
    ///
    /// # Errors
    /// Settings that contradict themselves.
    fn serve<S: FlightService>(self, service: S) -> Result<Self::Server, FlightError>;
}

impl Place for BoundServer {
    type Server = RunningServer;

    fn serve<S: FlightService>(self, service: S) -> Result<RunningServer, FlightError> {
        self.serve(service)
    }
}

/// Within the server of others.
impl Place for FlightServerBuilder {
    type Server = EmbeddedFlight;

    fn serve<S: FlightService>(self, service: S) -> Result<EmbeddedFlight, FlightError> {
        self.embed(service)
    }
}

/// Serves what pyarrow's file has under the name of a class. `options` are `V4`, or else the complaint of a server that
/// was given options that are none.
///
/// # Errors
/// A class that is not there.
pub fn serve<P: Place>(class: &str, options: &str, place: P) -> Result<P::Server> {
    let write_options = match options {
        "V4" => v4(),
        _ => IpcWriteOptions::default(),
    };
    Ok(match class {
        "FlightServerBase" => place.serve(lifecycle::Base),
        "LateServer" => place.serve(lifecycle::Late::default()),
        "ConstantFlightServer" if options.starts_with("expected") => place.serve(errors::Broken(options.to_owned())),
        "ConstantFlightServer" => place.serve(constant::Constant { write_options }),
        "CheckTicketFlightServer" => place.serve(constant::CheckTicket),
        "MetadataFlightServer" => place.serve(numbered::Numbered { write_options }),
        "EchoFlightServer" => place.serve(echo::Echo::of(echo::Form::Whole)),
        "EchoStreamFlightServer" => place.serve(echo::Echo::of(echo::Form::Batches)),
        "EchoTableStreamFlightServer" => place.serve(echo::Echo::of(echo::Form::Table)),
        "EchoRecordBatchReaderStreamFlightServer" => place.serve(echo::Echo::of(echo::Form::Reader)),
        "ExchangeFlightServer" => place.serve(exchange::Exchange { write_options }),
        "GetInfoFlightServer" => place.serve(info::GetInfo),
        "ListActionsFlightServer" => place.serve(actions::ListActions),
        "ListActionsErrorFlightServer" => place.serve(actions::ListActionsError),
        "ConvenienceServer" => place.serve(actions::Convenience),
        "ActionNoneFlightServer" => place.serve(actions::ActionNone::default()),
        "InvalidStreamFlightServer" => place.serve(generated::InvalidStream),
        "NeverSendsDataFlightServer" => place.serve(generated::NeverSendsData),
        "SlowFlightServer" => place.serve(slow::Slow),
        "ErrorFlightServer" => place.serve(errors::Errors),
        "FailServer" => place.serve(errors::Fail),
        "LargeMetadataFlightServer" => place.serve(large::LargeMetadata),
        "DeltaFlightServer" => place.serve(deltas::Deltas),
        _ => bail!("no server is named {class}"),
    }?)
}
