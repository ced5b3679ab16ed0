//! The reference service: uploads that replace a flight as a whole or not at all, the echo, and the rest of its RPCs.

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use peregrine::client::FlightCallOptions;
use peregrine::ipc::{DictionaryIds, Encoder, IpcWriteOptions};
use peregrine::proto::{
    Action, CancelFlightInfoRequest, CancelStatus, FlightDescriptor, FlightErrorKind, FlightInfo, Ticket,
};
use peregrine::stream::{FlightStreamChunk, Table};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};

fn path(name: &str) -> FlightDescriptor {
    FlightDescriptor::for_path(name.split('/'))
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    RecordBatch::try_from_iter([("n", numbers)]).unwrap()
}

/// A service with the flight `ints`, and a pair that serves it.
fn ints() -> (MemoryService, Pair) {
    let service = MemoryService::with("ints", vec![numbers(0..3)]);
    (service.clone(), Pair::new(service))
}

#[tokio::test]
async fn an_upload_is_a_flight_when_it_has_ended() {
    let (service, pair) = ints();
    let sent = batches::one_per_type();
    let (mut writer, mut answers) = pair.client().do_put(path("a/b"), sent[0].schema()).await.unwrap();
    for (number, batch) in sent.iter().enumerate() {
        writer.write_with_metadata(batch, number.to_string()).await.unwrap();
        assert_eq!(soon(answers.read()).await.unwrap().unwrap(), number.to_string());
    }
    assert_eq!(service.table("a/b"), None, "the upload goes on");
    writer.close().await.unwrap();
    assert_eq!(service.table("a/b").unwrap().batches, sent);

    let info = pair.client().get_flight_info(path("a/b")).await.unwrap();
    assert_eq!(info.descriptor(), Some(&path("a/b")));
    let ticket = info.endpoints()[0].ticket().clone();
    let read = pair.client().do_get(ticket).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, sent);
}

#[tokio::test]
async fn an_upload_without_batches_is_a_flight_with_a_schema() {
    let (service, pair) = ints();
    let (mut writer, _) = pair.client().do_put(path("empty"), numbers(0..0).schema()).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(service.table("empty"), Some(Table::new(numbers(0..0).schema(), vec![])));
}

#[tokio::test]
async fn an_upload_replaces_a_flight_of_its_schema() {
    let (service, pair) = ints();
    let (mut writer, _) = pair.client().do_put(path("ints"), numbers(0..0).schema()).await.unwrap();
    writer.write_batch(&numbers(5..9)).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(service.table("ints").unwrap().batches, [numbers(5..9)]);

    let other = batches::int64(1);
    let (mut writer, _) = pair.client().do_put(path("ints"), other.schema()).await.unwrap();
    let error = writer.close().await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{error}");
    assert!(error.message().contains("another schema"), "{error}");
    assert_eq!(service.table("ints").unwrap().batches, [numbers(5..9)]);
}

#[tokio::test]
async fn of_two_uploads_to_one_name_each_is_whole_or_refused() {
    let (service, pair) = ints();
    let (mut first, _) = pair.client().do_put(path("new"), numbers(0..0).schema()).await.unwrap();
    let (mut second, _) = pair.client().do_put(path("new"), batches::int64(0).schema()).await.unwrap();
    first.write_batch(&numbers(0..10)).await.unwrap();
    second.write_batch(&batches::int64(10)).await.unwrap();
    second.close().await.unwrap();
    assert_eq!(first.close().await.unwrap_err().kind(), FlightErrorKind::InvalidArgument);
    assert_eq!(service.table("new").unwrap().batches, [batches::int64(10)]);
}

#[tokio::test]
async fn an_upload_that_was_given_up_leaves_nothing() {
    let (service, pair) = ints();
    for name in ["new", "ints"] {
        let (mut writer, mut answers) = pair.client().do_put(path(name), numbers(0..0).schema()).await.unwrap();
        writer.write_with_metadata(&numbers(5..9), "seen").await.unwrap();
        assert_eq!(soon(answers.read()).await.unwrap().unwrap(), "seen");
        drop(writer);
        assert_eq!(soon(answers.read()).await.unwrap_err().kind(), FlightErrorKind::Cancelled);
    }
    // The server has dealt with both when it has answered another call of the connection.
    pair.client().list_actions().await.unwrap().read_all().await.unwrap();
    assert_eq!(service.table("new"), None);
    assert_eq!(service.table("ints").unwrap().batches, [numbers(0..3)]);
}

#[tokio::test]
async fn what_is_uploaded_keeps_its_dictionary_ids_and_shared_dictionaries() {
    let (_, pair) = ints();
    let values: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let column = |keys: [i8; 3]| -> ArrayRef {
        Arc::new(DictionaryArray::<Int8Type>::try_new(keys.to_vec().into(), values.clone()).unwrap())
    };
    let batch = RecordBatch::try_from_iter([("a", column([0, 1, 1])), ("b", column([1, 0, 0]))]).unwrap();
    let ids = DictionaryIds::Listed(vec![-9, -9]);
    let write_options = IpcWriteOptions::default().with_dictionary_ids(ids);
    let mut options = FlightCallOptions::new();
    options.write_options = Some(write_options.clone());

    let client = pair.client();
    let (mut writer, _) = client.with(options.clone()).do_put(path("shared"), batch.schema()).await.unwrap();
    writer.write_batch(&batch).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(writer.stats().num_dictionary_batches, 1);
    let mut download = client.do_get(Ticket::new("shared")).await.unwrap();
    let (mut writer, mut echo) = client.do_exchange(path("any")).await.unwrap();
    writer.begin_with(batch.schema(), write_options).await.unwrap();
    writer.write_batch(&batch).await.unwrap();
    writer.done_writing().await.unwrap();

    for reader in [&mut download, &mut echo] {
        assert_eq!(reader.read_all().await.unwrap().batches, std::slice::from_ref(&batch));
        assert_eq!(reader.stats().num_dictionary_batches, 1);
        let kept = Encoder::new(
            reader.schema().await.unwrap(),
            IpcWriteOptions::default().with_dictionary_ids(DictionaryIds::OfFields),
        );
        let asked = Encoder::new(batch.schema(), options.write_options.clone().unwrap_or_default());
        assert_eq!(kept.unwrap().schema_message().header, asked.unwrap().schema_message().header);
    }
}

#[tokio::test]
async fn a_flight_has_a_path() {
    let (_, pair) = ints();
    for descriptor in [FlightDescriptor::for_command("ints"), FlightDescriptor::for_path([""; 0])] {
        let error = pair.client().get_flight_info(descriptor.clone()).await.unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{descriptor:?}");
        let (mut writer, _) = pair.client().do_put(descriptor, numbers(0..0).schema()).await.unwrap();
        assert_eq!(writer.close().await.unwrap_err().kind(), FlightErrorKind::InvalidArgument);
    }
}

#[tokio::test]
async fn an_exchange_gives_back_what_it_gets() {
    let (_, pair) = ints();
    let (mut writer, mut reader) = pair.client().do_exchange(path("any")).await.unwrap();
    let chunks = [
        FlightStreamChunk::metadata("before the schema"),
        FlightStreamChunk::batch(numbers(0..3)),
        FlightStreamChunk::with_metadata(numbers(3..6), "both"),
        FlightStreamChunk::metadata("alone"),
    ];
    let mut has_begun = false;
    for chunk in chunks {
        match (chunk.data.clone(), chunk.app_metadata.clone()) {
            (Some(_), _) if !std::mem::replace(&mut has_begun, true) => {
                writer.begin(numbers(0..0).schema()).await.unwrap();
                writer.write_batch(&numbers(0..3)).await.unwrap();
            }
            (Some(batch), app_metadata) => {
                writer.write_with_metadata(&batch, app_metadata.unwrap_or_default()).await.unwrap();
            }
            (None, app_metadata) => writer.write_metadata(app_metadata.unwrap()).await.unwrap(),
        }
        assert_eq!(soon(reader.read_chunk()).await.unwrap(), Some(chunk), "at once");
    }
    writer.close().await.unwrap();
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}

#[tokio::test]
async fn an_exchange_of_a_schema_alone_gives_it_back() {
    let (_, pair) = ints();
    let (mut writer, mut reader) = pair.client().do_exchange(path("any")).await.unwrap();
    writer.begin(numbers(0..0).schema()).await.unwrap();
    writer.done_writing().await.unwrap();
    assert_eq!(soon(reader.schema()).await.unwrap(), numbers(0..0).schema());
    assert_eq!(reader.read_chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_flight_is_complete_and_cannot_be_cancelled() {
    let (_, pair) = ints();
    let polled = pair.client().poll_flight_info(path("ints")).await.unwrap();
    assert_eq!((polled.is_complete(), polled.progress()), (true, Some(1.0)));
    let info = polled.info().unwrap().clone();
    assert_eq!(info, pair.client().get_flight_info(path("ints")).await.unwrap());

    let result = pair.client().cancel_flight_info(&CancelFlightInfoRequest::new(info)).await.unwrap();
    assert_eq!(result.status(), CancelStatus::NotCancellable);
    let unknown = FlightInfo::new(&numbers(0..0).schema());
    for (info, kind) in [
        (unknown.clone().with_descriptor(path("none")), FlightErrorKind::NotFound),
        (unknown, FlightErrorKind::InvalidArgument),
    ] {
        let error = pair.client().cancel_flight_info(&CancelFlightInfoRequest::new(info)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn a_flight_can_be_dropped() {
    let (service, pair) = ints();
    let run = async || pair.client().do_action(Action::new("drop", "ints")).await?.read_all().await;
    assert_eq!(run().await.unwrap(), []);
    assert_eq!(service.table("ints"), None);
    assert_eq!(run().await.unwrap_err().kind(), FlightErrorKind::NotFound);
    let error = pair.client().do_get(Ticket::new("ints")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::NotFound);
}
