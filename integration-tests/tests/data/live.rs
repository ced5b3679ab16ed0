//! A live server with tables: messages go up as they are, tables by our client, and all come back by our client.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use peregrine::client::FlightCallOptions;
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{
    FlightData, FlightDescriptor, FlightError, FlightErrorKind, FlightMessage, FlightMethod, Ticket,
};
use peregrine::stream::Table;
use peregrine::transport::{Channel, ChannelConfig, Outgoing, frame_message};
use peregrine_testkit::{MemoryService, Pair};

use crate::messages::Message;

/// The one flight of the server.
const FLIGHT: &str = "flight";

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
        let pair = Pair::new(service.clone());
        let channel = Channel::new(pair.connector(), ChannelConfig::default()).unwrap();
        Self { service, pair, channel }
    }

    /// Uploads messages as they are and gives back the table that comes down, which is forgotten.
    pub(crate) async fn messages_up_and_down(&self, messages: &[Message]) -> Result<Table, FlightError> {
        soon(self.upload(messages)).await?;
        self.down().await
    }

    /// Uploads a table and gives back the one that comes down.
    pub(crate) async fn table_up_and_down(&self, table: &Table, how: IpcWriteOptions) -> Result<Table, FlightError> {
        soon(self.put(table, how)).await?;
        self.down().await
    }

    async fn down(&self) -> Result<Table, FlightError> {
        let read = async { self.pair.client().do_get(Ticket::new(FLIGHT)).await?.read_all().await };
        let table = soon(read).await;
        self.service.remove(FLIGHT);
        table
    }

    async fn put(&self, table: &Table, how: IpcWriteOptions) -> Result<(), FlightError> {
        let (descriptor, schema) = (FlightDescriptor::for_path([FLIGHT]), table.schema.clone());
        let options = FlightCallOptions::new().with_write_options(how);
        let (mut writer, _answers) = self.pair.client().do_put_with(descriptor, schema, &options).await?;
        for batch in &table.batches {
            writer.write_batch(batch).await?;
        }
        writer.close().await
    }

    async fn upload(&self, messages: &[Message]) -> Result<(), FlightError> {
        let mut frames: Vec<_> = messages.iter().map(flight_data).collect();
        frames.resize_with(frames.len().max(1), FlightData::default);
        frames[0].flight_descriptor = Some(FlightDescriptor::for_path([FLIGHT]));
        let frames = frames.into_iter().map(|message| Ok(frame_message(message.serialize()).unwrap()));
        let path = FlightMethod::DoPut.path();
        let mut reply = self.channel.call(path, HeaderMap::new(), None, Outgoing::stream(stream::iter(frames))).await?;
        while let Some(answer) = reply.messages.next_message().await {
            answer?;
        }
        Ok(())
    }
}

fn flight_data((header, body): &(Bytes, Bytes)) -> FlightData {
    FlightData { data_header: header.clone(), data_body: body.clone(), ..FlightData::default() }
}

async fn soon<T>(call: impl Future<Output = Result<T, FlightError>>) -> Result<T, FlightError> {
    tokio::time::timeout(DEADLINE, call)
        .await
        .unwrap_or_else(|_| Err(FlightError::new(FlightErrorKind::TimedOut, "the call hangs")))
}
