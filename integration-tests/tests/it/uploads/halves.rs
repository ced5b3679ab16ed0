//! The two halves of a call, one of which waits for what the other reads, drops or never gets.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use peregrine::client::{FlightCallOptions, FlightClient};
use peregrine::ipc::IpcWriteOptions;
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind as Kind, Location, Ticket};
use peregrine::server::FlightServer;
use peregrine::stream::{FlightMetadataWriter, FlightStreamReader, FlightStreamWriter};
use peregrine::transport::Http2Config;
use peregrine_testkit::one_rpc::{DoExchange, DoPut};
use peregrine_testkit::waiting::{Once, idle, soon};
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::sync::{mpsc, oneshot};

fn path() -> FlightDescriptor {
    FlightDescriptor::for_path(["up"])
}

/// Sends so many large batches and ends.
fn sends(count: usize) -> Pair {
    Pair::new(DoExchange(move |_, _, mut writer: FlightStreamWriter| async move {
        let batch = batches::int64(100_000);
        writer.begin(batch.schema()).await?;
        for _ in 0..count {
            writer.write_batch(&batch).await?;
        }
        Ok(())
    }))
}

/// A request that waits for its turn on the connection is neither sent nor given up by HTTP/2's library.
#[tokio::test(start_paused = true)]
async fn a_writer_whose_stream_is_not_open_yet_ends_with_its_deadline() {
    let service = MemoryService::new();
    let table = peregrine::stream::Table::new(batches::int64(0).schema(), vec![batches::int64(1_000_000); 3]);
    service.insert("long", table);
    let http2 = Http2Config { max_concurrent_streams: 1, ..Http2Config::server() };
    let pair = Pair::with_server(FlightServer::builder().http2(http2), service);
    let mut long = pair.client().do_get(Ticket::new("long")).await.unwrap();
    assert!(long.read_next().await.unwrap().is_some());

    let options = FlightCallOptions::new().with_timeout(Duration::from_secs(5));
    let schema = batches::int64(0).schema();
    let (mut writer, _answers) = pair.client().with(options.clone()).do_put(path(), schema).await.unwrap();
    let error = loop {
        if let Err(error) = soon(writer.write_batch(&batches::int64(10_000))).await {
            break error;
        }
    };
    assert_eq!(error.kind(), Kind::TimedOut, "{error}");
    assert_eq!(soon(writer.close()).await.unwrap_err().kind(), Kind::TimedOut);
    assert!(soon(long.read_all()).await.is_ok());
}

/// While the writer waits for the end it reads ahead of the reader, but not without bound and not in its place.
#[tokio::test(start_paused = true)]
async fn a_writer_that_closes_waits_for_a_reader_that_reads() {
    let pair = sends(40);
    let (mut writer, mut reader) = pair.client().do_exchange(path()).await.unwrap();
    assert!(reader.read_next().await.unwrap().is_some());
    let closing = tokio::spawn(async move { writer.close().await });
    for _ in 1..40 {
        idle().await;
        assert!(soon(reader.read_next()).await.unwrap().is_some());
    }
    assert_eq!(reader.read_next().await.unwrap(), None);
    soon(closing).await.unwrap().unwrap();
}

/// A reader that is held and not read is not waited for for ever, and is told what it missed.
#[tokio::test(start_paused = true)]
async fn a_writer_that_closes_does_not_wait_for_a_reader_that_does_not() {
    let pair = sends(40);
    let (mut writer, mut reader) = pair.client().do_exchange(path()).await.unwrap();
    soon(writer.close()).await.unwrap();
    let mut read = 0;
    let error = loop {
        match reader.read_next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("the end came behind {read} batches of 40"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::ResourceExhausted, "{error}");
    assert!((10..40).contains(&read), "{read}");
}

/// A thread without a runtime may drop the reader, and the upload goes on.
#[tokio::test]
async fn the_reader_may_be_dropped_anywhere() {
    let pair = Pair::new(MemoryService::new());
    let (mut writer, answers) = pair.client().do_put(path(), batches::int64(0).schema()).await.unwrap();
    std::thread::spawn(move || drop(answers)).join().unwrap();
    writer.write_batch(&batches::int64(10)).await.unwrap();
    soon(writer.close()).await.unwrap();
}

/// What a task of the handler writes on does not keep the end from the caller.
#[tokio::test]
async fn an_exchange_ends_with_its_handler_and_not_with_its_writer() {
    let (sender, mut ended) = mpsc::unbounded_channel();
    let pair = Pair::new(DoExchange(move |_, mut reader: FlightStreamReader, mut writer: FlightStreamWriter| {
        let sender = sender.clone();
        async move {
            writer.begin(batches::int64(0).schema()).await?;
            tokio::spawn(async move {
                let error = loop {
                    if let Err(error) = writer.write_batch(&batches::int64(10)).await {
                        break error;
                    }
                };
                sender.send(error).unwrap();
            });
            reader.read_chunk().await?;
            Err::<(), _>(FlightError::unauthorized("enough"))
        }
    }));
    let (mut writer, mut reader) = pair.client().do_exchange(path()).await.unwrap();
    writer.write_metadata("go on").await.unwrap();
    let error = soon(async {
        loop {
            if let Err(error) = reader.read_next().await {
                return error;
            }
        }
    });
    assert_eq!(error.await.kind(), Kind::Unauthorized);
    assert_eq!(soon(ended.recv()).await.unwrap().kind(), Kind::Cancelled);
}

/// The rest of an upload is thrown away where the handler dropped its reader, and holds up nobody.
#[tokio::test]
async fn a_handler_that_drops_its_reader_goes_on_and_so_does_the_client() {
    let (release, released) = oneshot::channel::<()>();
    let released = Once::new(released);
    let pair = Pair::new(DoPut(move |_, reader, mut writer: FlightMetadataWriter| {
        let released = released.take();
        async move {
            drop::<FlightStreamReader>(reader);
            released.await.map_err(|_| FlightError::internal("the test is over"))?;
            writer.write("done").await
        }
    }));
    let (mut writer, mut answers) = pair.client().do_put(path(), batches::int64(0).schema()).await.unwrap();
    for _ in 0..100 {
        soon(writer.write_batch(&batches::int64(30_000))).await.unwrap();
    }
    release.send(()).unwrap();
    assert_eq!(soon(answers.read()).await.unwrap().unwrap(), "done");
    soon(writer.close()).await.unwrap();
}

/// Counts the rows of an upload.
fn counts() -> Pair {
    Pair::new(DoPut(|_, mut reader: FlightStreamReader, mut writer: FlightMetadataWriter| async move {
        let table = reader.read_all().await?;
        writer.write(format!("{} rows, {:?}", table.num_rows(), table.batches.first().map(RecordBatch::num_rows))).await
    }))
}

/// A batch that is cut, and of which one piece cannot be sent, is not sent by half.
#[tokio::test]
async fn a_batch_that_is_cut_goes_out_whole_or_not_at_all() {
    let pair = counts();
    let builder = FlightClient::builder(Location::reuse_connection()).unwrap().connector(pair.connector());
    let client = builder.write_size_limit(64 << 10).build().unwrap();
    let text = |long: usize| -> RecordBatch {
        let rows = (0..1000).map(|row| if row == 700 { "x".repeat(long) } else { "y".repeat(100) });
        let rows: ArrayRef = Arc::new(StringArray::from_iter_values(rows));
        RecordBatch::try_from_iter([("text", rows)]).unwrap()
    };
    let options =
        FlightCallOptions::new().with_write_options(IpcWriteOptions::default().with_target_message_size(16 << 10));
    let (mut writer, mut answers) = client.with(options.clone()).do_put(path(), text(1).schema()).await.unwrap();
    assert_eq!(writer.write_batch(&text(100_000)).await.unwrap_err().kind(), Kind::InvalidArgument);
    assert_eq!(writer.stats().num_record_batches, 0);
    writer.write_batch(&text(10_000)).await.unwrap();
    writer.done_writing().await.unwrap();
    let answer = answers.read().await.unwrap().unwrap();
    assert!(answer.starts_with(b"1000 rows"), "{answer:?}");
    writer.close().await.unwrap();
}

/// test_large_metadata_client: what no message can carry is refused before any of it is copied or sent, dictionaries
/// included.
#[tokio::test]
async fn metadata_over_what_grpc_can_carry_is_refused_and_nothing_is_lost() {
    let pair = counts();
    let huge = Bytes::from(vec![0_u8; 1 << 31]);
    let batch = batches::dictionaries().remove(0);
    let (mut writer, mut answers) = pair.client().do_put(path(), batch.schema()).await.unwrap();
    for error in [
        writer.write_with_metadata(&batch, huge.clone()).await.unwrap_err(),
        writer.write_metadata(huge.clone()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Kind::ResourceExhausted, "{error}");
    }
    writer.write_batch(&batch).await.unwrap();
    writer.done_writing().await.unwrap();
    let rows = batch.num_rows();
    assert_eq!(answers.read().await.unwrap().unwrap(), format!("{rows} rows, Some({rows})"));
    writer.close().await.unwrap();

    let (mut writer, _reader) = pair.client().do_exchange(path()).await.unwrap();
    assert_eq!(writer.write_metadata(huge).await.unwrap_err().kind(), Kind::ResourceExhausted);
}

/// test_large_descriptor.
#[tokio::test]
async fn a_descriptor_over_what_grpc_can_carry_is_refused() {
    let pair = counts();
    let huge = FlightDescriptor::for_command(Bytes::from(vec![0_u8; 1 << 31]));
    let error = pair.client().get_flight_info(huge.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ResourceExhausted, "{error}");
    let error = pair.client().do_put(huge, batches::int64(0).schema()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ResourceExhausted, "{error}");
}
