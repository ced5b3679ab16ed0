//! DoPut: batches and metadata up, acknowledgements down.

use std::error::Error;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use peregrine::client::FlightClient;
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind, Location};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightMetadataWriter, FlightStreamReader, FlightStreamStats, FlightStreamWriter, Table, WriteSizeExceeded,
};
use peregrine_testkit::{Pair, batches};
use tokio::sync::mpsc;

/// What a handler has seen of an upload.
#[derive(Debug, PartialEq)]
struct Upload {
    descriptor: FlightDescriptor,
    batches: Vec<RecordBatch>,
    metadata: Vec<String>,
    stats: FlightStreamStats,
}

/// Takes uploads, acknowledges the metadata of each message, and tells of uploads that were whole.
struct Uploads(mpsc::UnboundedSender<Upload>);

impl FlightService for Uploads {
    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        let descriptor = reader.descriptor().cloned().unwrap();
        reader.schema().await?;
        assert_eq!(reader.stats().num_messages, 1, "the schema, before the first batch");
        let (mut batches, mut metadata) = (Vec::new(), Vec::new());
        while let Some(chunk) = reader.read_chunk().await? {
            batches.extend(chunk.data);
            if let Some(bytes) = chunk.app_metadata {
                metadata.push(String::from_utf8_lossy(&bytes).into_owned());
                writer.write(bytes).await?;
            }
        }
        self.0.send(Upload { descriptor, batches, metadata, stats: reader.stats() }).unwrap();
        Ok(())
    }
}

fn uploads() -> (Pair, mpsc::UnboundedReceiver<Upload>) {
    let (sender, uploads) = mpsc::unbounded_channel();
    (Pair::new(Uploads(sender)), uploads)
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    RecordBatch::try_from_iter([("n", numbers)]).unwrap()
}

fn path() -> FlightDescriptor {
    FlightDescriptor::for_path(["up"])
}

/// test_flight_do_put_metadata: each answer is waited for before the next batch is written.
#[tokio::test]
async fn acknowledgements_come_in_lock_step() {
    let (pair, mut uploads) = uploads();
    let (mut writer, mut results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    for i in 0..5 {
        writer.write_with_metadata(&numbers(i..i + 3), i.to_string()).await.unwrap();
        assert_eq!(results.read().await.unwrap().unwrap(), i.to_string());
    }
    writer.done_writing().await.unwrap();
    assert_eq!(results.read().await.unwrap(), None);
    writer.close().await.unwrap();
    writer.close().await.unwrap();
    let upload = uploads.recv().await.unwrap();
    assert_eq!(upload.descriptor, path());
    assert_eq!(upload.batches, (0..5).map(|i| numbers(i..i + 3)).collect::<Vec<_>>());
    assert_eq!(upload.metadata, ["0", "1", "2", "3", "4"]);
    assert_eq!((upload.stats.num_messages, upload.stats.num_record_batches), (6, 5));
    assert_eq!((writer.stats().num_messages, writer.stats().num_record_batches), (6, 5));
}

#[tokio::test]
async fn every_type_goes_up() {
    let (pair, mut uploads) = uploads();
    let sent = batches::one_per_type();
    let (mut writer, _results) = pair.client().do_put(path(), sent[0].schema()).await.unwrap();
    for batch in &sent {
        writer.write_batch(batch).await.unwrap();
    }
    writer.close().await.unwrap();
    assert_eq!(uploads.recv().await.unwrap().batches, sent);
}

#[tokio::test]
async fn a_table_is_cut_to_chunks_where_that_is_asked() {
    let (pair, mut uploads) = uploads();
    let table = Table::new(numbers(0..0).schema(), vec![numbers(0..10), numbers(10..14)]);
    let (mut writer, _results) = pair.client().do_put(path(), table.schema.clone()).await.unwrap();
    writer.write_table(&table, Some(4)).await.unwrap();
    writer.write_table(&table, None).await.unwrap();
    writer.close().await.unwrap();
    let expected = [0..4, 4..8, 8..10, 10..14, 0..10, 10..14].map(numbers);
    assert_eq!(uploads.recv().await.unwrap().batches, expected);
}

#[tokio::test]
async fn metadata_alone_goes_up_between_batches_and_is_not_counted() {
    let (pair, mut uploads) = uploads();
    let (mut writer, _results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    writer.write_metadata("first").await.unwrap();
    writer.write_batch(&numbers(0..3)).await.unwrap();
    writer.write_metadata("last").await.unwrap();
    writer.close().await.unwrap();
    let upload = uploads.recv().await.unwrap();
    assert_eq!((upload.metadata, upload.batches), (vec!["first".to_owned(), "last".to_owned()], vec![numbers(0..3)]));
    assert_eq!((upload.stats.num_messages, upload.stats.num_record_batches), (2, 1));
    assert_eq!((writer.stats().num_messages, writer.stats().num_record_batches), (2, 1));
}

/// test_flight_do_put_limit: what is too large is refused before it is sent, and the stream goes on.
#[tokio::test]
async fn a_batch_over_the_limit_is_refused_and_the_stream_goes_on() {
    let (pair, mut uploads) = uploads();
    let builder = FlightClient::builder(Location::reuse_connection()).unwrap().connector(pair.connector());
    let client = builder.write_size_limit(4096).build().unwrap();
    let (mut writer, _results) = client.do_put(path(), numbers(0..0).schema()).await.unwrap();
    let error = writer.write_batch(&numbers(0..768)).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    let exceeded = error.source().and_then(|source| source.downcast_ref::<WriteSizeExceeded>()).unwrap();
    assert!(exceeded.limit == 4096 && exceeded.actual > 768 * 8, "{exceeded:?}");
    let error = writer.write_metadata(vec![7; 4097]).await.unwrap_err();
    assert!(error.message().contains("4097") && error.message().contains("4096"), "{error}");
    let error = writer.write_with_metadata(&numbers(0..384), vec![7; 2000]).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    writer.write_batch(&numbers(0..384)).await.unwrap();
    writer.write_batch(&numbers(384..768)).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(uploads.recv().await.unwrap().batches, [numbers(0..384), numbers(384..768)]);
    assert_eq!(writer.stats().num_record_batches, 2);
}

#[tokio::test]
async fn a_mistake_of_the_caller_leaves_the_stream_as_it_was() {
    let (pair, mut uploads) = uploads();
    let (mut writer, _results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    let other = batches::one_per_type().remove(0);
    for error in [
        writer.write_batch(&other).await.unwrap_err(),
        writer.begin(other.schema()).await.unwrap_err(),
        writer.write_table(&Table::new(other.schema(), vec![]), Some(0)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{error}");
    }
    writer.write_batch(&numbers(0..3)).await.unwrap();
    writer.done_writing().await.unwrap();
    assert_eq!(writer.write_batch(&numbers(0..3)).await.unwrap_err().kind(), FlightErrorKind::InvalidArgument);
    writer.close().await.unwrap();
    assert_eq!(uploads.recv().await.unwrap().batches, [numbers(0..3)]);
}

/// test_do_put_independent_read_write: the halves of a call in two tasks.
#[tokio::test]
async fn reading_and_writing_go_on_in_two_tasks() {
    let (pair, mut uploads) = uploads();
    let (mut writer, mut results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        while let Some(bytes) = results.read().await? {
            read.push(bytes);
        }
        Ok::<_, FlightError>(read)
    });
    for i in 0..1000 {
        writer.write_with_metadata(&numbers(i..i + 1), i.to_string()).await.unwrap();
    }
    writer.done_writing().await.unwrap();
    let read = reading.await.unwrap().unwrap();
    assert_eq!(read, (0..1000).map(|i| i.to_string()).collect::<Vec<_>>());
    writer.close().await.unwrap();
    assert_eq!(uploads.recv().await.unwrap().batches.len(), 1000);
}

/// What the server answers while the end is waited for is there for the reader afterwards.
#[tokio::test]
async fn answers_that_nobody_read_are_kept_while_the_writer_closes() {
    let (pair, _uploads) = uploads();
    let (mut writer, mut results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    for i in 0..50 {
        writer.write_with_metadata(&numbers(i..i + 1), i.to_string()).await.unwrap();
    }
    writer.close().await.unwrap();
    for i in 0..50 {
        assert_eq!(results.read().await.unwrap().unwrap(), i.to_string());
    }
    assert_eq!(results.read().await.unwrap(), None);
}

/// Fails every upload, before or after its first batch.
struct Refuses {
    reads: bool,
}

impl Refuses {
    async fn refuse(&self, reader: &mut FlightStreamReader) -> FlightError {
        if self.reads
            && let Err(error) = reader.read_chunk().await
        {
            return error;
        }
        FlightError::unauthorized("not here").with_extra_info(&b"\x00why\xff"[..])
    }
}

impl FlightService for Refuses {
    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        _writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        Err(self.refuse(&mut reader).await)
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        _writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        Err(self.refuse(&mut reader).await)
    }
}

/// Writes until the server's error comes, which it must; then closes.
async fn write_until_refused(writer: &mut FlightStreamWriter) {
    let error = loop {
        if let Err(error) = writer.write_batch(&numbers(0..1000)).await {
            break error;
        }
    };
    for error in [error, writer.close().await.unwrap_err(), writer.close().await.unwrap_err()] {
        assert_eq!(error.kind(), FlightErrorKind::Unauthorized, "{error}");
        assert_eq!((error.message(), &error.extra_info()[..]), ("not here", &b"\x00why\xff"[..]));
    }
}

/// test_write_error_propagation: the writer of an upload that has no end gets the server's error, and close gives it
/// again.
#[tokio::test]
async fn the_servers_error_reaches_an_endless_writer() {
    for reads in [false, true] {
        let pair = Pair::new(Refuses { reads });
        let (mut writer, mut results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
        write_until_refused(&mut writer).await;
        assert_eq!(results.read().await.unwrap_err().kind(), FlightErrorKind::Unauthorized);

        let (mut writer, mut reader) = pair.client().do_exchange(path()).await.unwrap();
        writer.begin(numbers(0..0).schema()).await.unwrap_or_default();
        write_until_refused(&mut writer).await;
        assert_eq!(reader.read_chunk().await.unwrap_err().kind(), FlightErrorKind::Unauthorized);
    }
}

/// The reader may be waiting in another task meanwhile, and gets the error too.
#[tokio::test]
async fn the_servers_error_reaches_both_halves() {
    let pair = Pair::new(Refuses { reads: true });
    let (mut writer, mut results) = pair.client().do_put(path(), numbers(0..0).schema()).await.unwrap();
    let reading = tokio::spawn(async move { results.read().await });
    write_until_refused(&mut writer).await;
    assert_eq!(reading.await.unwrap().unwrap_err().kind(), FlightErrorKind::Unauthorized);
}
