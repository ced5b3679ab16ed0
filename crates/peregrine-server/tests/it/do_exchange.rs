//! DoExchange: data in both directions, in whatever order.

use peregrine_proto::{FlightDescriptor, FlightError};
use peregrine_server::{FlightService, ServerCallContext};
use peregrine_stream::{FlightStreamChunk, FlightStreamReader, FlightStreamWriter};
use peregrine_testkit::{Pair, batches};

/// `get` sends data unasked, `put` answers with metadata alone, `echo` gives back what comes.
struct Exchanges;

impl Exchanges {
    async fn get(&self, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
        writer.begin(batches::int64(0).schema()).await?;
        writer.write_batch(&batches::int64(10)).await
    }

    async fn put(&self, mut reader: FlightStreamReader, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
        let mut batches = 0;
        while reader.read_next().await?.is_some() {
            batches += 1;
        }
        assert_eq!(reader.stats().num_record_batches, batches);
        writer.write_metadata(batches.to_string()).await
    }

    async fn echo(&self, mut reader: FlightStreamReader, mut writer: FlightStreamWriter) -> Result<(), FlightError> {
        let mut begun = false;
        while let Some(chunk) = reader.read_chunk().await? {
            let Some(batch) = chunk.data else {
                writer.write_metadata(chunk.app_metadata.unwrap_or_default()).await?;
                continue;
            };
            if !std::mem::replace(&mut begun, true) {
                writer.begin(batch.schema()).await?;
            }
            writer.write_with_metadata(&batch, chunk.app_metadata.unwrap_or_default()).await?;
        }
        Ok(())
    }
}

impl FlightService for Exchanges {
    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        reader: FlightStreamReader,
        writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        match reader.descriptor().map(|descriptor| &descriptor.command()[..]) {
            Some(b"get") => self.get(writer).await,
            Some(b"put") => self.put(reader, writer).await,
            _ => self.echo(reader, writer).await,
        }
    }
}

async fn exchange(pair: &Pair, command: &'static str) -> (FlightStreamWriter, FlightStreamReader) {
    pair.client().do_exchange(FlightDescriptor::for_command(command)).await.unwrap()
}

/// test_flight_do_exchange_get: the server streams though the client never writes data.
#[tokio::test]
async fn a_server_may_answer_without_any_data() {
    let pair = Pair::new(Exchanges);
    let (mut writer, mut reader) = exchange(&pair, "get").await;
    assert_eq!(reader.schema().await.unwrap(), batches::int64(0).schema());
    assert_eq!(reader.read_all().await.unwrap().batches, [batches::int64(10)]);
    writer.close().await.unwrap();
}

/// test_flight_do_exchange_put: the answer is metadata alone, and is not counted.
#[tokio::test]
async fn a_server_may_answer_with_metadata_alone() {
    let pair = Pair::new(Exchanges);
    let (mut writer, mut reader) = exchange(&pair, "put").await;
    writer.begin(batches::int64(0).schema()).await.unwrap();
    for _ in 0..10 {
        writer.write_batch(&batches::int64(3)).await.unwrap();
    }
    writer.done_writing().await.unwrap();
    assert_eq!(reader.read_chunk().await.unwrap(), Some(FlightStreamChunk::metadata("10")));
    assert_eq!(reader.read_chunk().await.unwrap(), None);
    assert_eq!(reader.stats().num_messages, 0);
    writer.close().await.unwrap();
}

/// test_flight_do_exchange_echo: metadata before any schema, then data without, then data with metadata, in lock-step.
#[tokio::test]
async fn an_echo_answers_each_message_before_the_next() {
    let pair = Pair::new(Exchanges);
    let (mut writer, mut reader) = exchange(&pair, "echo").await;
    for i in 0..10 {
        writer.write_metadata(i.to_string()).await.unwrap();
        assert_eq!(reader.read_chunk().await.unwrap(), Some(FlightStreamChunk::metadata(i.to_string())));
    }
    let batch = batches::int64(5);
    writer.begin(batch.schema()).await.unwrap();
    for _ in 0..10 {
        writer.write_batch(&batch).await.unwrap();
        assert_eq!(reader.read_chunk().await.unwrap(), Some(batch.clone().into()));
    }
    for i in 0..10 {
        writer.write_with_metadata(&batch, i.to_string()).await.unwrap();
        let expected = FlightStreamChunk::with_metadata(batch.clone(), i.to_string());
        assert_eq!(reader.read_chunk().await.unwrap(), Some(expected));
    }
    assert_eq!(reader.stats().num_record_batches, 20);
    assert_eq!(writer.stats().num_record_batches, 20);
    writer.close().await.unwrap();
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}

/// A client that only looks: nothing is written, and the end is the handler's.
#[tokio::test]
async fn an_exchange_of_nothing_ends_well() {
    let pair = Pair::new(Exchanges);
    let (mut writer, mut reader) = exchange(&pair, "echo").await;
    writer.close().await.unwrap();
    assert_eq!(reader.read_chunk().await.unwrap(), None);
    assert!(reader.schema().await.is_err(), "there is none");
}

#[tokio::test]
async fn writing_before_the_beginning_is_refused_and_changes_nothing() {
    let pair = Pair::new(Exchanges);
    let (mut writer, mut reader) = exchange(&pair, "echo").await;
    assert!(writer.write_batch(&batches::int64(1)).await.unwrap_err().message().contains("begun"));
    assert!(writer.write_with_metadata(&batches::int64(1), "x").await.is_err());
    writer.begin(batches::int64(1).schema()).await.unwrap();
    writer.write_batch(&batches::int64(1)).await.unwrap();
    assert_eq!(reader.read_chunk().await.unwrap(), Some(batches::int64(1).into()));
}
