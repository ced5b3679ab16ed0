//! DoGet whose source breaks: before, at the start and in the middle of its stream, by an error or a panic.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::{StreamExt, stream};
use peregrine_proto::{FlightError, FlightErrorKind, Ticket};
use peregrine_stream::{FlightDataStream, FlightStreamReader};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::{Pair, batches};
use tokio::sync::Notify;

fn schema() -> SchemaRef {
    batches::int64(0).schema()
}

/// Serves a stream for the ticket `broken`, and a good one for any other.
fn serve(broken: impl Fn() -> FlightDataStream + Send + Sync + 'static) -> Pair {
    Pair::new(DoGet(move |_, ticket: Ticket| {
        let stream = match &ticket.ticket()[..] {
            b"broken" => broken(),
            _ => FlightDataStream::from_batches(schema(), [batches::int64(1)]),
        };
        async { Ok(stream) }
    }))
}

async fn open(pair: &Pair) -> FlightStreamReader {
    pair.client().do_get(Ticket::new("broken")).await.unwrap()
}

/// Reads to the error and says how many rows came before it. Other calls go on.
async fn rows_and_error(pair: &Pair) -> (usize, FlightError) {
    let mut reader = open(pair).await;
    let mut rows = 0;
    let error = loop {
        match reader.read_next().await {
            Ok(Some(batch)) => rows += batch.num_rows(),
            Ok(None) => panic!("the stream ended well"),
            Err(error) => break error,
        }
    };
    assert_eq!(reader.read_next().await.unwrap(), None, "after an error comes nothing");
    assert_serves_on(pair).await;
    (rows, error)
}

async fn assert_serves_on(pair: &Pair) {
    let read = pair.client().do_get(Ticket::new("good")).await.unwrap().read_all().await.unwrap();
    assert_eq!(read.batches, [batches::int64(1)]);
}

#[tokio::test]
async fn an_error_of_a_reader_comes_behind_its_batches_with_kind_and_extra_info() {
    let pair = serve(|| {
        let lost = FlightError::new(FlightErrorKind::DataLoss, "sector 7").with_extra_info(&b"\x07"[..]);
        let batches = [Ok(batches::int64(4)), Ok(batches::int64(5)), Err(ArrowError::ExternalError(Box::new(lost)))];
        FlightDataStream::from_reader(RecordBatchIterator::new(batches, schema()))
    });
    let (rows, error) = rows_and_error(&pair).await;
    assert_eq!((rows, error.kind(), error.message()), (9, FlightErrorKind::DataLoss, "sector 7"));
    assert_eq!(error.extra_info().as_ref(), b"\x07");
}

#[tokio::test]
async fn a_reader_goes_on_to_its_end() {
    let pair = serve(|| {
        let batches = (0..20).map(|rows| Ok(batches::int64(rows)));
        FlightDataStream::from_reader(RecordBatchIterator::new(batches, schema()))
    });
    let read = open(&pair).await.read_all().await.unwrap();
    assert_eq!(read.batches, (0..20).map(batches::int64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_panic_of_a_reader_is_internal_and_comes_behind_its_batches() {
    let pair = serve(|| {
        let batches = (0..3).map(|at| if at == 2 { panic!("the file is gone") } else { Ok(batches::int64(4)) });
        FlightDataStream::from_reader(RecordBatchIterator::new(batches, schema()))
    });
    let (rows, error) = rows_and_error(&pair).await;
    assert_eq!((rows, error.kind()), (8, FlightErrorKind::Internal));
    assert!(!error.message().contains("the file is gone"), "what a panic says is for the log: {error}");
}

#[tokio::test]
async fn an_error_of_a_foreign_type_arrives_as_what_it_converts_into() {
    #[derive(Clone)]
    struct OutOfTape(u32);

    impl From<OutOfTape> for FlightError {
        fn from(OutOfTape(metres): OutOfTape) -> Self {
            FlightError::resource_exhausted(format!("{metres} m of tape were not enough"))
        }
    }

    let pair =
        serve(|| FlightDataStream::from_stream(schema(), stream::iter([Ok(batches::int64(2)), Err(OutOfTape(360))])));
    let (rows, error) = rows_and_error(&pair).await;
    assert_eq!((rows, error.kind()), (2, FlightErrorKind::ResourceExhausted));
    assert_eq!(error.message(), "360 m of tape were not enough");
}

#[tokio::test]
async fn an_error_as_first_item_comes_behind_the_schema() {
    let pair = serve(|| {
        let items = [Err::<RecordBatch, _>(FlightError::unavailable("not today"))];
        FlightDataStream::from_stream(schema(), stream::iter(items))
    });
    let mut reader = open(&pair).await;
    assert_eq!(reader.schema().await.unwrap(), schema());
    let error = reader.read_next().await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Unavailable, "not today"));
}

#[tokio::test]
async fn a_batch_of_another_schema_is_an_error_behind_the_batches_before_it() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let others = [
        RecordBatch::try_from_iter([("c0", text)]).unwrap(),
        RecordBatch::try_from_iter([("c0", number)]).unwrap(),
        batches::one_per_type().remove(0),
    ];
    for other in others {
        let pair = serve(move || {
            FlightDataStream::from_batches(schema(), [batches::int64(4), other.clone(), batches::int64(4)])
        });
        let (rows, error) = rows_and_error(&pair).await;
        assert_eq!((rows, error.kind()), (4, FlightErrorKind::InvalidArgument));
        assert!(error.message().contains("schema"), "{error}");
    }
}

#[tokio::test]
async fn an_error_of_the_handler_comes_from_do_get_itself() {
    let pair = Pair::new(DoGet(|_, _| async { Err(FlightError::unauthorized("not you").with_extra_info("who then")) }));
    let error = pair.client().do_get(Ticket::new("")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (FlightErrorKind::Unauthorized, "not you"));
    assert_eq!(error.extra_info(), "who then");
}

#[tokio::test]
async fn a_panic_of_a_handler_fails_its_call_and_leaves_those_beside_it_alone() {
    let go_on = Arc::new(Notify::new());
    let waited = go_on.clone();
    let pair = Pair::new(DoGet(move |_, ticket: Ticket| {
        let waited = waited.clone();
        async move {
            if ticket.ticket() == "panic" {
                panic!("a secret");
            }
            let batches = stream::iter([1, 2]).then(move |rows| {
                let waited = waited.clone();
                async move {
                    if rows == 2 {
                        waited.notified().await;
                    }
                    Ok::<_, FlightError>(batches::int64(rows))
                }
            });
            Ok(FlightDataStream::from_stream(schema(), batches))
        }
    }));
    let mut beside = pair.client().do_get(Ticket::new("slow")).await.unwrap();
    assert_eq!(beside.read_next().await.unwrap(), Some(batches::int64(1)));

    let error = pair.client().do_get(Ticket::new("panic")).await.unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::Internal);
    assert!(!error.message().contains("secret"), "what a panic says is for the log: {error}");

    go_on.notify_one();
    assert_eq!(beside.read_next().await.unwrap(), Some(batches::int64(2)));
    assert_eq!(beside.read_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_panic_of_a_stream_at_its_start_fails_its_call_alone() {
    let pair = serve(|| FlightDataStream::from_batches(schema(), (0..1).map(|_| panic!("a secret"))));
    let read = async { pair.client().do_get(Ticket::new("broken")).await?.read_all().await };
    assert_eq!(read.await.unwrap_err().kind(), FlightErrorKind::Internal);
    assert_serves_on(&pair).await;
}

#[tokio::test]
async fn a_panic_of_a_stream_in_the_middle_comes_behind_what_was_read() {
    let go_on = Arc::new(Notify::new());
    let waited = go_on.clone();
    let pair = serve(move || {
        let waited = waited.clone();
        let batches = stream::iter([1, 2]).then(move |rows| {
            let waited = waited.clone();
            async move {
                if rows == 2 {
                    waited.notified().await;
                    panic!("a secret");
                }
                Ok::<_, FlightError>(batches::int64(rows))
            }
        });
        FlightDataStream::from_stream(schema(), batches)
    });
    let mut reader = open(&pair).await;
    assert_eq!(reader.read_next().await.unwrap(), Some(batches::int64(1)));
    go_on.notify_one();
    assert_eq!(reader.read_next().await.unwrap_err().kind(), FlightErrorKind::Internal);
    assert_serves_on(&pair).await;
}
