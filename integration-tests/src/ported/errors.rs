//! `ErrorFlightServer` and others that fail: kinds and bytes of errors, from whatever call.

use anyhow::{Context, Result, ensure};
use arrow_schema::Schema;
use futures_util::{future, stream};
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightErrorKind as Kind, FlightInfo, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};

use super::servers::Servers;
use super::tables::{int64, ints, table};

/// The kinds by the names that actions have.
const KINDS: [(&str, Kind); 8] = [
    ("internal", Kind::Internal),
    ("timedout", Kind::TimedOut),
    ("cancel", Kind::Cancelled),
    ("unauthenticated", Kind::Unauthenticated),
    ("unauthorized", Kind::Unauthorized),
    ("notimplemented", Kind::Unimplemented),
    ("invalid", Kind::InvalidArgument),
    ("key", Kind::NotFound),
];

/// How many of them DoPut is tested with.
const UPLOAD_KINDS: usize = 5;

/// Fails as it is told to.
pub(super) struct Errors;

fn raise(name: &[u8]) -> Result<(), FlightError> {
    match KINDS.iter().find(|(of, _)| of.as_bytes() == name) {
        Some((_, kind)) => Err(FlightError::new(*kind, "foo")),
        None if name == b"protobuf" => {
            Err(FlightError::unauthorized("foo").with_extra_info("this is an error message"))
        }
        None => Ok(()),
    }
}

impl FlightService for Errors {
    async fn list_flights(
        &self,
        _context: ServerCallContext,
        _criteria: Criteria,
    ) -> Result<MessageStream<FlightInfo>, FlightError> {
        let info = FlightInfo::new(&Schema::empty()).with_descriptor(FlightDescriptor::for_path(["/foo"]));
        Ok(MessageStream::from_stream(stream::iter([Ok(info), Err(FlightError::internal("foo"))])))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        raise(reader.descriptor().map(|descriptor| &descriptor.command()[..]).unwrap_or_default())
    }

    async fn do_action(
        &self,
        _context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        raise(action.action_type().as_bytes())?;
        Err(FlightError::unimplemented("no such action"))
    }
}

/// Refuses uploads and exchanges at once.
pub(super) struct Fail;

impl FlightService for Fail {
    async fn do_put(
        &self,
        _context: ServerCallContext,
        _reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        Err(refusal())
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        _reader: FlightStreamReader,
        _writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        Err(refusal())
    }
}

fn refusal() -> FlightError {
    FlightError::cancelled("foo").with_extra_info("bar")
}

/// Fails every DoGet, for it was given options that are none.
pub(super) struct Broken(pub(super) String);

impl FlightService for Broken {
    async fn do_get(&self, _context: ServerCallContext, _ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        Err(FlightError::failed(&self.0))
    }
}

/// Whether a call failed with this kind and the message that all have.
fn ensure_foo(came: Result<impl Sized, FlightError>, kind: Kind) -> Result<()> {
    let error = came.err().context("no error")?;
    ensure!(error.kind() == kind, "expected {kind}, got {error}");
    ensure!(error.message().contains("foo"), "{error}");
    Ok(())
}

async fn do_action(client: &FlightClient, name: &str) -> Result<Vec<ActionResult>, FlightError> {
    client.do_action(Action::new(name, "")).await?.read_all().await
}

/// Uploads one batch or none, to the end of the call.
async fn do_put(client: &FlightClient, name: &'static str, with_batch: bool) -> Result<(), FlightError> {
    let table = ints("a");
    let (mut writer, _reader) = client.do_put(FlightDescriptor::for_command(name), table.schema.clone()).await?;
    if with_batch {
        writer.write_table(&table, None).await?;
    }
    writer.close().await
}

pub(super) async fn test_roundtrip_errors(servers: &Servers) -> Result<()> {
    let client = servers.client("ErrorFlightServer").await?;
    for (name, kind) in KINDS {
        ensure_foo(do_action(&client, name).await, kind)?;
    }
    let flights = async { client.list_flights(Criteria::default()).await?.read_all().await };
    ensure_foo(flights.await, Kind::Internal)?;
    for (name, kind) in &KINDS[..UPLOAD_KINDS] {
        ensure_foo(do_put(&client, name, true).await, *kind)?;
        ensure_foo(do_put(&client, name, false).await, *kind)?;
    }
    Ok(())
}

pub(super) async fn test_extra_info(servers: &Servers) -> Result<()> {
    let error = do_action(&servers.client("ErrorFlightServer").await?, "protobuf").await.err().context("no error")?;
    ensure!(error.kind() == Kind::Unauthorized, "{error}");
    ensure!(error.extra_info() == "this is an error message", "{:?}", error.extra_info());
    Ok(())
}

/// Whether an error is the server's own.
fn ensure_refusal(came: Result<(), FlightError>) -> Result<()> {
    let error = came.err().context("no error")?;
    ensure!(error.kind() == Kind::Cancelled && error.message().contains("foo"), "{error}");
    ensure!(error.extra_info() == "bar", "extra_info {:?}", error.extra_info());
    Ok(())
}

pub(super) async fn test_write_error_propagation(servers: &Servers) -> Result<()> {
    let client = servers.client("FailServer").await?;
    let batch = table([("int64", int64([1]))]).batches.remove(0);

    let (mut writer, mut reader) = client.do_put(FlightDescriptor::for_command(""), batch.schema()).await?;
    let reading = async move { while let Ok(Some(_)) = reader.read().await {} };
    let writing = async {
        loop {
            if let Err(error) = writer.write_batch(&batch).await {
                break error;
            }
        }
    };
    let (error, ()) = future::join(writing, reading).await;
    ensure_refusal(Err(error))?;
    ensure_refusal(writer.close().await)?;

    let (mut writer, mut reader) = client.do_exchange(FlightDescriptor::for_command("")).await?;
    let reading = async move { while let Ok(Some(_)) = reader.read_chunk().await {} };
    let writing = async {
        loop {
            if let Err(error) = writer.write_metadata(" ").await {
                break error;
            }
        }
    };
    let (error, ()) = future::join(writing, reading).await;
    ensure_refusal(Err(error))?;
    ensure_refusal(writer.close().await)
}
