//! Flight within the servers of others: in a router of axum, and beside a service of tonic's.

use std::sync::Mutex;

use arrow_array::RecordBatch;
use futures_util::TryStreamExt;
use integration_tests::{Host, Hosted};
use peregrine::client::FlightClient;
use peregrine::proto::{
    Action, ActionResult, Criteria, FlightDescriptor, FlightError, FlightErrorKind, Location, Ticket,
};
use peregrine::server::{FlightServer, FlightService, ServerCallContext};
use peregrine::stream::{
    FlightDataStream, FlightMetadataWriter, FlightStreamReader, FlightStreamWriter, MessageStream,
};
use peregrine_testkit::batches;
use peregrine_testkit::waiting::{OnDrop, soon};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::embedding::mounted::{Nothing, check_health, health};

/// Serves every type, and echoes; takes uploads and tells how they ended.
struct Everything {
    uploads: mpsc::UnboundedSender<Result<Vec<RecordBatch>, FlightErrorKind>>,
    /// Dropped with an endless stream.
    guard: Mutex<Option<OnDrop>>,
}

impl FlightService for Everything {
    async fn do_get(&self, _context: ServerCallContext, ticket: Ticket) -> Result<FlightDataStream, FlightError> {
        let batches = match &ticket.ticket()[..] {
            b"types" => batches::one_per_type(),
            b"large" => (0..4).map(|_| batches::int64(1 << 20)).collect(),
            _ => {
                let guard = self.guard.lock().unwrap().take();
                let endless = std::iter::repeat_with(move || {
                    let _ = &guard;
                    batches::int64(1000)
                });
                return Ok(FlightDataStream::from_batches(batches::int64(0).schema(), endless));
            }
        };
        Ok(FlightDataStream::from_batches(batches[0].schema(), batches))
    }

    async fn do_put(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightMetadataWriter,
    ) -> Result<(), FlightError> {
        writer.write("begun").await?;
        let uploads = self.uploads.clone();
        // In a task of its own: the handler is dropped when the call is cancelled.
        let read = tokio::spawn(async move {
            let table = reader.read_all().await;
            let _ = uploads.send(table.as_ref().map(|table| table.batches.clone()).map_err(FlightError::kind));
            table
        });
        let table = read.await.unwrap()?;
        writer.write(table.num_rows().to_string()).await
    }

    async fn do_exchange(
        &self,
        _context: ServerCallContext,
        mut reader: FlightStreamReader,
        mut writer: FlightStreamWriter,
    ) -> Result<(), FlightError> {
        writer.begin(reader.schema().await?).await?;
        while let Some(batch) = reader.read_next().await? {
            writer.write_batch(&batch).await?;
        }
        Ok(())
    }

    async fn do_action(
        &self,
        context: ServerCallContext,
        action: Action,
    ) -> Result<MessageStream<ActionResult>, FlightError> {
        match action.action_type() {
            "peer" => Ok(MessageStream::from_iter([ActionResult::new(context.peer().address.to_string())])),
            _ => Err(FlightError::not_found("no such action").with_extra_info(&b"\x00\xff"[..])),
        }
    }
}

struct Test {
    hosted: Hosted,
    client: FlightClient,
    uploads: mpsc::UnboundedReceiver<Result<Vec<RecordBatch>, FlightErrorKind>>,
    dropped: peregrine_testkit::waiting::Dropped,
}

impl Test {
    async fn new(host: Host) -> Self {
        let (sender, uploads) = mpsc::unbounded_channel();
        let (guard, dropped) = OnDrop::new();
        let service = Everything { uploads: sender, guard: Mutex::new(Some(guard)) };
        let flight = FlightServer::builder().embed(service).unwrap();
        let hosted = host.serve(flight, &Location::for_grpc_tcp("127.0.0.1", 0)).await.unwrap();
        let client = FlightClient::connect(hosted.location().clone()).unwrap();
        Self { hosted, client, uploads, dropped }
    }
}

const HOSTS: [Host; 2] = [Host::Axum, Host::Tonic];

#[tokio::test]
async fn data_goes_down_and_up_and_both_ways() {
    for host in HOSTS {
        let mut test = Test::new(host).await;
        for (ticket, expected) in [("types", batches::one_per_type()), ("large", vec![batches::int64(1 << 20); 4])] {
            let read = test.client.do_get(Ticket::new(ticket)).await.unwrap().read_all().await.unwrap();
            assert_eq!(read.num_rows(), expected.iter().map(RecordBatch::num_rows).sum::<usize>());
            if ticket == "types" {
                assert_eq!(read.batches, expected);
            }
        }

        let batch = batches::int64(100_000);
        let descriptor = FlightDescriptor::for_command("up");
        let (mut writer, mut acks) = test.client.do_put(descriptor.clone(), batch.schema()).await.unwrap();
        assert_eq!(acks.read().await.unwrap().unwrap(), "begun");
        writer.write_batch(&batch).await.unwrap();
        writer.done_writing().await.unwrap();
        assert_eq!(acks.read().await.unwrap().unwrap(), "100000");
        writer.close().await.unwrap();
        assert_eq!(test.uploads.recv().await.unwrap().unwrap(), std::slice::from_ref(&batch));

        let (mut writer, mut reader) = test.client.do_exchange(descriptor).await.unwrap();
        writer.begin(batch.schema()).await.unwrap();
        // In lock-step: each batch is back before the next is sent.
        for rows in [1, 1000] {
            writer.write_batch(&batches::int64(rows)).await.unwrap();
            assert_eq!(soon(reader.read_next()).await.unwrap(), Some(batches::int64(rows)));
        }
        writer.close().await.unwrap();
        assert_eq!(reader.read_next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn errors_arrive_whole_and_the_peer_is_the_one_that_the_host_tells() {
    for host in HOSTS {
        let test = Test::new(host).await;
        let call = async |name: &str| {
            let results = test.client.do_action(Action::new(name, "")).await?;
            results.try_collect::<Vec<ActionResult>>().await
        };
        let error = call("none").await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (FlightErrorKind::NotFound, "no such action"));
        assert_eq!(error.extra_info(), &b"\x00\xff"[..]);
        let peers = call("peer").await.unwrap();
        match host {
            Host::Axum => assert!(peers[0].body().starts_with(b"ipv4:127.0.0.1:"), "{peers:?}"),
            Host::Tonic => assert_eq!(peers, [ActionResult::new("unknown:")]),
        }
        let error = test.client.list_flights(Criteria::default()).await.err().unwrap();
        assert_eq!(error.kind(), FlightErrorKind::Unimplemented);
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_is_never_whole() {
    for host in HOSTS {
        let mut test = Test::new(host).await;
        let batch = batches::int64(1000);
        let (mut writer, mut acks) =
            test.client.do_put(FlightDescriptor::for_command("up"), batch.schema()).await.unwrap();
        writer.write_batch(&batch).await.unwrap();
        assert_eq!(soon(acks.read()).await.unwrap().unwrap(), "begun");
        drop((writer, acks));
        assert_eq!(soon(test.uploads.recv()).await.unwrap(), Err(FlightErrorKind::Cancelled));
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_its_stream_and_the_host_can_stop() {
    for host in HOSTS {
        let test = Test::new(host).await;
        let mut reader = test.client.do_get(Ticket::new("endless")).await.unwrap();
        reader.read_next().await.unwrap();
        drop(reader);
        test.dropped.wait().await;
        soon(test.hosted.stop()).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_host_has_beside_flight_is_answered_by_the_host() {
    let axum = Test::new(Host::Axum).await;
    let stream = TcpStream::connect(("127.0.0.1", axum.hosted.location().port().unwrap())).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("http://localhost/").body(()).unwrap();
    let (response, _) = sender.ready().await.unwrap().send_request(request, true).unwrap();
    let mut body = response.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "an application in axum");

    let tonic = Test::new(Host::Tonic).await;
    let mut health = health(tonic.hosted.location()).await;
    check_health(&mut health).await.unwrap();
}

#[tokio::test]
async fn mounts_are_not_embedded() {
    let (_, health) = tonic_health::server::health_reporter();
    let builder = FlightServer::builder().mount("/grpc.health.v1.Health", health);
    let error = builder.embed(Nothing).unwrap_err();
    assert!(error.message().contains("the host's router"), "{error}");
}
