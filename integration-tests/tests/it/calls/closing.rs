//! What closing a client does to its calls, and to those that come later.

use std::future::pending;

use futures_util::{StreamExt, stream};
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightErrorKind as Kind, Ticket,
};
use peregrine::server::{FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine_testkit::waiting::soon;
use peregrine_testkit::{MemoryService, Pair, batches};
use tokio::sync::mpsc;

#[track_caller]
fn assert_closed<T>(answer: Result<T, FlightError>) {
    let Err(error) = answer else { panic!("a call of a closed client went well") };
    assert_eq!(error.kind(), Kind::InvalidArgument, "{error}");
    assert!(error.message().contains("closed"), "{error}");
}

/// test_flight_client_close: closing twice is no harm, and a call after it is an invalid argument.
#[tokio::test]
async fn closing_is_for_all_clones_and_for_good() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let (client, clone) = (pair.client(), pair.client().clone());
    client.do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap();
    for _ in 0..2 {
        client.close();
        let (path, schema) = (FlightDescriptor::for_path(["trips"]), batches::int64(0).schema());
        assert_closed(clone.list_flights(Criteria::default()).await);
        assert_closed(clone.get_flight_info(path.clone()).await);
        assert_closed(clone.do_get(Ticket::new("trips")).await);
        assert_closed(clone.do_put(path.clone(), schema).await);
        assert_closed(clone.do_exchange(path).await);
        assert_closed(clone.list_actions().await);
    }
    let unused = FlightClient::connect("grpc+tcp://127.0.0.1:1").unwrap();
    unused.close();
    assert_closed(unused.list_actions().await);
}

/// Begins every answer and never ends it; hands out the contexts.
struct Endless(mpsc::UnboundedSender<ServerCallContext>);

impl FlightService for Endless {
    async fn do_get(&self, context: ServerCallContext, _: Ticket) -> Result<FlightDataStream, FlightError> {
        self.0.send(context).unwrap();
        let first = stream::iter([Ok::<_, FlightError>(batches::int64(1))]);
        Ok(FlightDataStream::from_stream(batches::int64(0).schema(), first.chain(stream::pending())))
    }

    async fn do_put(
        &self,
        context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        self.0.send(context).unwrap();
        reader.read_next().await?;
        writer.write("one").await?;
        pending().await
    }

    async fn do_exchange(
        &self,
        context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        self.0.send(context).unwrap();
        reader.read_chunk().await?;
        writer.write_metadata("one").await?;
        pending().await
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        _: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        self.0.send(context).unwrap();
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn running_calls_are_cancelled_at_both_ends() {
    let (sender, mut contexts) = mpsc::unbounded_channel();
    let pair = Pair::new(Endless(sender));
    let client = pair.client();
    let path = || FlightDescriptor::for_path(["x"]);

    let mut read = client.do_get(Ticket::new("")).await.unwrap();
    assert_eq!(read.read_next().await.unwrap(), Some(batches::int64(1)));
    let mut unread = client.do_get(Ticket::new("")).await.unwrap();
    let (mut put, mut acks) = client.do_put(path(), batches::int64(0).schema()).await.unwrap();
    put.write_batch(&batches::int64(1)).await.unwrap();
    assert_eq!(soon(acks.read()).await.unwrap().unwrap(), "one");
    let (mut exchange, mut answers) = client.do_exchange(path()).await.unwrap();
    exchange.write_metadata("zero").await.unwrap();
    assert_eq!(soon(answers.read_chunk()).await.unwrap().unwrap().app_metadata.unwrap(), "one");
    let acting = client.clone();
    let action = tokio::spawn(async move { acting.do_action(Action::new("x", "")).await.map(drop) });
    let mut at_server = Vec::new();
    for _ in 0..5 {
        at_server.push(soon(contexts.recv()).await.unwrap());
    }

    client.close();
    let mut told = vec![
        soon(read.read_next()).await.unwrap_err(),
        soon(acks.read()).await.unwrap_err(),
        soon(put.close()).await.unwrap_err(),
        soon(answers.read_chunk()).await.unwrap_err(),
        soon(exchange.close()).await.unwrap_err(),
        soon(action).await.unwrap().unwrap_err(),
    ];
    // What had come before may be read still; then comes the end.
    told.push(loop {
        match soon(unread.read_next()).await {
            Ok(batch) => assert_eq!(batch, Some(batches::int64(1))),
            Err(error) => break error,
        }
    });
    for error in told {
        assert_eq!((error.kind(), error.message()), (Kind::Cancelled, "the client was closed"));
    }
    for context in at_server {
        soon(context.cancelled()).await;
        assert!(context.is_cancelled(), "{context:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_waits_for_its_window_is_woken() {
    let (sender, _contexts) = mpsc::unbounded_channel();
    let pair = Pair::new(Endless(sender));
    let client = pair.client().clone();
    let (mut put, _acks) = client.do_put(FlightDescriptor::for_path(["x"]), batches::int64(0).schema()).await.unwrap();
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = put.write_batch(&batches::int64(10_000)).await {
                break error;
            }
        }
    });
    peregrine_testkit::waiting::idle().await;
    assert!(!writing.is_finished());
    client.close();
    let error = soon(writing).await.unwrap();
    assert_eq!((error.kind(), error.message()), (Kind::Cancelled, "the client was closed"));
}
