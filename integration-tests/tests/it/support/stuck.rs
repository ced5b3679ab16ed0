//! A service whose calls do not end by themselves.

use std::future::pending;

use futures_util::{StreamExt, stream};
use peregrine::client::FlightClient;
use peregrine::proto::{Action, ActionResult, FlightDescriptor, FlightError, FlightMethod, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataReader, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine_testkit::batches;

/// Where its calls get stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// Before anything was responded.
    AtOnce,
    /// Behind a first message.
    BehindOne,
}

/// The methods that it has.
pub(crate) const STUCK_METHODS: [FlightMethod; 4] =
    [FlightMethod::DoGet, FlightMethod::DoPut, FlightMethod::DoExchange, FlightMethod::DoAction];

impl Stuck {
    async fn pass(self) {
        if self == Self::AtOnce {
            pending::<()>().await;
        }
    }

    pub(crate) fn responds(self) -> bool {
        self == Self::BehindOne
    }
}

impl FlightService for Stuck {
    async fn do_get(&self, _: ServerCallContext, _: Ticket) -> Result<FlightDataStream, FlightError> {
        self.pass().await;
        let first = stream::iter([Ok::<_, FlightError>(batches::int64(1))]);
        Ok(FlightDataStream::from_stream(batches::int64(0).schema(), first.chain(stream::pending())))
    }

    async fn do_put(
        &self,
        _: ServerCallContext,
        _: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.pass().await;
        writer.write("one").await?;
        pending().await
    }

    async fn do_exchange(
        &self,
        _: ServerCallContext,
        _: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        self.pass().await;
        writer.write_metadata("one").await?;
        pending().await
    }

    async fn do_action(&self, _: ServerCallContext, _: Action) -> Result<MessageStream<ActionResult>, FlightError> {
        self.pass().await;
        let first = stream::iter([Ok::<_, FlightError>(ActionResult::new("one"))]);
        Ok(MessageStream::from_stream(first.chain(stream::pending())))
    }
}

/// A call of one of the methods, begun and held. Dropping it drops all handles.
pub(crate) enum StuckCall {
    Get(Box<FlightStreamReader>),
    Put(Box<FlightStreamWriter>, FlightMetadataReader),
    Exchange(Box<FlightStreamWriter>, Box<FlightStreamReader>),
    Action(MessageStream<ActionResult>),
}

impl StuckCall {
    /// Begins a call and reads the first message of its response.
    pub(crate) async fn begin(client: &FlightClient, method: FlightMethod) -> Result<Self, FlightError> {
        let path = || FlightDescriptor::for_path(["x"]);
        let mut call = match method {
            FlightMethod::DoGet => Self::Get(Box::new(client.do_get(Ticket::new("")).await?)),
            FlightMethod::DoPut => {
                let (writer, reader) = client.do_put(path(), batches::int64(0).schema()).await?;
                Self::Put(Box::new(writer), reader)
            }
            FlightMethod::DoExchange => {
                let (writer, reader) = client.do_exchange(path()).await?;
                Self::Exchange(Box::new(writer), Box::new(reader))
            }
            _ => Self::Action(client.do_action(Action::new("x", "")).await?),
        };
        call.read().await?;
        Ok(call)
    }

    /// Reads on.
    pub(crate) async fn read(&mut self) -> Result<(), FlightError> {
        match self {
            Self::Get(reader) => reader.read_next().await.map(drop),
            Self::Put(_, reader) => reader.read().await.map(drop),
            Self::Exchange(_, reader) => reader.read_chunk().await.map(drop),
            Self::Action(results) => results.read_next().await.map(drop),
        }
    }
}
