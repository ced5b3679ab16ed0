//! A live server: messages go up as they are, tables by our client, and come back by our client.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use peregrine::client::FlightCallOptions;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightData, FlightDescriptor, FlightError, FlightMessage, FlightMethod, Location, Ticket};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{FlightDataStream, FlightMetadataWriter, FlightStreamReader, Table};
use peregrine::transport::{CallStart, Channel, ChannelConfig, Outgoing, frame_message};
use peregrine_testkit::{MemoryService, Pair};

use crate::messages::{Message, validate};

/// The flight that is kept.
const KEPT: &str = "kept";

/// The flight that is read and forgotten, batch by batch.
const CHECKED: &str = "checked";

/// What hangs is a failure.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Live {
    service: MemoryService,
    pair: Pair,
    channel: Channel,
}

impl Live {
    /// Must be called within a tokio runtime.
    pub(crate) fn start() -> Self {
        let service = MemoryService::new();
        let pair = Pair::new(Service(service.clone()));
        let channel = Channel::new(Location::reuse_connection(), pair.connector(), ChannelConfig::default()).unwrap();
        Self { service, pair, channel }
    }

    /// Uploads messages as they are and gives back the table that comes down, which is forgotten.
    pub(crate) async fn messages_up_and_down(&self, messages: &[Message]) -> Result<Table, FlightError> {
        soon(self.upload(KEPT, messages)).await?;
        self.down().await
    }

    /// Uploads messages as they are to be validated, which is a panic if they are not valid.
    pub(crate) async fn check_messages(&self, messages: &[Message]) -> Result<(), FlightError> {
        soon(self.upload(CHECKED, messages)).await
    }

    /// Uploads a table and gives back the one that comes down.
    pub(crate) async fn table_up_and_down(&self, table: &Table, how: IpcWriteOptions) -> Result<Table, FlightError> {
        soon(self.put(table, how)).await?;
        self.down().await
    }

    async fn down(&self) -> Result<Table, FlightError> {
        let read = async { self.pair.client().do_get(Ticket::new(KEPT)).await?.read_all().await };
        let table = soon(read).await;
        self.service.remove(KEPT);
        table
    }

    async fn put(&self, table: &Table, how: IpcWriteOptions) -> Result<(), FlightError> {
        let (descriptor, schema) = (FlightDescriptor::for_path([KEPT]), table.schema.clone());
        let options = FlightCallOptions::new().with_write_options(how);
        let (mut writer, _answers) = self.pair.client().with(options.clone()).do_put(descriptor, schema).await?;
        for batch in &table.batches {
            writer.write_batch(batch).await?;
        }
        writer.close().await
    }

    async fn upload(&self, flight: &str, messages: &[Message]) -> Result<(), FlightError> {
        let mut frames: Vec<_> = messages.iter().map(flight_data).collect();
        frames.resize_with(frames.len().max(1), FlightData::default);
        frames[0].flight_descriptor = Some(FlightDescriptor::for_path([flight]));
        let frames = frames.into_iter().map(|message| Ok(frame_message(message.serialize()).unwrap()));
        let path = FlightMethod::DoPut.path();
        let mut reply =
            self.channel.call(CallStart::new(path.to_owned()), Outgoing::stream(stream::iter(frames))).await?;
        while let Some(answer) = reply.next_message().await {
            answer?;
        }
        Ok(())
    }
}

fn flight_data((header, body): &(Bytes, Bytes)) -> FlightData {
    FlightData { data_header: header.clone(), data_body: body.clone(), ..FlightData::default() }
}

async fn soon<T>(call: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, call).await.expect("a call that ends")
}

struct Service(MemoryService);

impl FlightService for Service {
    async fn do_get(&self, context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        self.0.do_get(context, ticket).await
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        mut reader: FlightStreamReader,
        writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        if reader.descriptor().is_none_or(|descriptor| descriptor.path() != [CHECKED]) {
            return self.0.do_put(context, reader, writer).await;
        }
        while let Some(batch) = reader.read_next().await? {
            validate(&batch).unwrap_or_else(|error| panic!("a batch of an upload is not valid: {error}"));
        }
        Ok(())
    }
}
