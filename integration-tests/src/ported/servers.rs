//! Where the servers of the tests are: ours are started here, pyarrow's run already.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use peregrine::client::{FlightClient, FlightClientBuilder};
use peregrine::ipc::{IpcWriteOptions, MetadataVersion};
use peregrine::proto::{FlightError, Location};
use peregrine::server::{BoundServer, EmbeddedFlight, FlightServer, FlightServerBuilder, FlightService, RunningServer};
use peregrine::transport::Listener;

use super::{actions, constant, deltas, echo, errors, exchange, generated, info, large, lifecycle, numbered, slow};

/// The servers that the tests talk to. Each is named by its class in pyarrow's file and the options that it has there.
pub struct Servers(Where);

enum Where {
    /// Started when asked for, and stopped with this.
    Ours {
        running: Mutex<Vec<RunningServer>>,
        folder: PathBuf,
    },
    Theirs(BTreeMap<String, String>),
}

impl Servers {
    /// Our own: in memory, except for those of which the URI is asked. Sockets are made in a folder.
    pub fn ours(folder: impl Into<PathBuf>) -> Self {
        Self(Where::Ours { running: Mutex::default(), folder: folder.into() })
    }

    /// Servers that run already, by name.
    pub fn at(uris: BTreeMap<String, String>) -> Self {
        Self(Where::Theirs(uris))
    }

    /// A client of a server.
    pub(super) async fn client(&self, server: &str) -> Result<FlightClient> {
        self.client_with(server, |builder| builder).await
    }

    /// A client with settings.
    pub(super) async fn client_with(
        &self,
        server: &str,
        settings: impl FnOnce(FlightClientBuilder) -> FlightClientBuilder,
    ) -> Result<FlightClient> {
        let builder = match &self.0 {
            Where::Theirs(_) => FlightClient::builder(self.uri(server).await?.as_str())?,
            Where::Ours { running, .. } => {
                let (listener, connector) = Listener::in_memory();
                keep(running, serve_named(server, FlightServer::builder().listener(listener))?);
                FlightClient::builder(Location::reuse_connection())?.connector(connector)
            }
        };
        Ok(settings(builder).build()?)
    }

    /// Where a server listens. The name `unix` in the place of options stands for a socket in the file system.
    pub(super) async fn uri(&self, server: &str) -> Result<String> {
        match &self.0 {
            Where::Theirs(uris) => uris.get(server).cloned().with_context(|| format!("no server {server}")),
            Where::Ours { running, folder } => {
                let location = match server.split_once(' ') {
                    Some((_, "unix")) => Location::for_grpc_unix(folder.join("socket")),
                    _ => Location::for_grpc_tcp("127.0.0.1", 0),
                };
                let server = serve_named(server, FlightServer::builder().bind(location).await?)?;
                let uri = server.location().to_string();
                keep(running, server);
                Ok(uri)
            }
        }
    }
}

fn keep(running: &Mutex<Vec<RunningServer>>, server: RunningServer) {
    running.lock().unwrap_or_else(PoisonError::into_inner).push(server);
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

pub(super) fn v4() -> IpcWriteOptions {
    IpcWriteOptions::default().with_metadata_version(MetadataVersion::V4)
}
