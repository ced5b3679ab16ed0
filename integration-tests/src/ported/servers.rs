//! Where the servers of the tests are: ours are started here, pyarrow's run already.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use peregrine::client::{FlightClient, FlightClientBuilder};
use peregrine::ipc::{IpcWriteOptions, MetadataVersion};
use peregrine::proto::Location;
use peregrine::server::{BoundServer, FlightServer, RunningServer};
use peregrine::transport::{Listener, Mutex};

/// The servers that the tests talk to. Each is named by its class in pyarrow's file and the options that it has there.
pub struct Servers(Where);

/// Serves what is named.
type Start = fn(&str, BoundServer) -> Result<RunningServer>;

enum Where {
    /// Started when asked for, and stopped with this.
    Ours {
        start: Start,
        running: Mutex<Vec<RunningServer>>,
        folder: PathBuf,
    },
    Theirs(BTreeMap<String, String>),
}

impl Servers {
    /// Servers in this process, which `start` starts by name. Sockets are made in a folder.
    pub(super) fn started_by(start: Start, folder: PathBuf) -> Self {
        Self(Where::Ours { start, running: Mutex::default(), folder })
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
            Where::Ours { start, running, .. } => {
                let (listener, connector) = Listener::in_memory();
                keep(running, start(server, FlightServer::builder().listener(listener))?);
                FlightClient::builder(Location::reuse_connection())?.connector(connector)
            }
        };
        Ok(settings(builder).build()?)
    }

    /// Where a server listens. The name `unix` in the place of options stands for a socket in the file system.
    pub(super) async fn uri(&self, server: &str) -> Result<String> {
        match &self.0 {
            Where::Theirs(uris) => uris.get(server).cloned().with_context(|| format!("no server {server}")),
            Where::Ours { start, running, folder } => {
                let location = match server.split_once(' ') {
                    Some((_, "unix")) => Location::for_grpc_unix(folder.join("socket")),
                    _ => Location::for_grpc_tcp("127.0.0.1", 0),
                };
                let server = start(server, FlightServer::builder().bind(location).await?)?;
                let uri = server.location().to_string();
                keep(running, server);
                Ok(uri)
            }
        }
    }
}

fn keep(running: &Mutex<Vec<RunningServer>>, server: RunningServer) {
    running.lock().push(server);
}

pub(super) fn v4() -> IpcWriteOptions {
    IpcWriteOptions::default().with_metadata_version(MetadataVersion::V4)
}
