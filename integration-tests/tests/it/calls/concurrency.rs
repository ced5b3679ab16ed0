//! Many calls at once: on one connection, from clones of a client, from two clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use peregrine::client::FlightClient;
use peregrine::proto::{FlightError, Location, Ticket};
use peregrine::stream::FlightDataStream;
use peregrine::transport::{Connect, Connecting};
use peregrine_testkit::one_rpc::DoGet;
use peregrine_testkit::waiting::{idle, soon};
use peregrine_testkit::{MemoryService, Pair, PairConnector, batches};

/// A stream of so many batches of 320 KB, more than fits into a stream's window.
fn long(count: usize) -> FlightDataStream {
    let batch = batches::int64(10_000);
    let schema = batch.schema();
    FlightDataStream::from_batches(schema, std::iter::repeat_n(batch, count))
}

/// Opens so many streams of `batches` each, reads one of them, and then the others.
async fn read_one_of(streams: usize, batches: usize, client: &FlightClient) {
    let mut readers = Vec::new();
    for _ in 0..streams {
        readers.push(soon(client.do_get(Ticket::new(""))).await.unwrap());
    }
    // Those that are not read fill what windows they have.
    idle().await;
    let mut last = readers.pop().unwrap();
    assert_eq!(soon(last.read_all()).await.unwrap().batches.len(), batches);
    for mut reader in readers {
        let read = soon(reader.read_all()).await.unwrap();
        assert_eq!(read.batches.len(), batches, "and each of them goes on when it is read");
    }
}

#[tokio::test(start_paused = true)]
async fn unread_streams_do_not_stop_the_one_that_is_read() {
    let pair = Pair::new(DoGet(|_, _| async { Ok(long(60)) }));
    read_one_of(8, 60, pair.client()).await;
}

#[tokio::test]
async fn more_calls_than_a_connection_may_have_all_get_their_turn() {
    let batches = batches::one_per_type();
    let pair = Pair::new(MemoryService::with("trips", batches.clone()));
    let calls = (0..400).map(|_| async {
        let table = pair.client().do_get(Ticket::new("trips")).await?.read_all().await?;
        Ok::<_, FlightError>(table.batches == batches)
    });
    let answers: Vec<_> = soon(stream::iter(calls).buffer_unordered(400).collect()).await;
    assert_eq!(answers.len(), 400);
    assert!(answers.into_iter().all(|answer| answer.unwrap()));
}

#[tokio::test]
async fn streams_read_in_turns_do_not_mix() {
    let pair = Pair::new(DoGet(|_, ticket: Ticket| async move {
        let rows: usize = std::str::from_utf8(ticket.ticket()).unwrap().parse().unwrap();
        Ok(FlightDataStream::from_batches(batches::int64(0).schema(), (0..50).map(move |at| batches::int64(rows + at))))
    }));
    let mut readers = Vec::new();
    for first in 0..16 {
        readers.push(pair.client().do_get(Ticket::new((first * 100).to_string())).await.unwrap());
    }
    for at in 0..50 {
        for (first, reader) in readers.iter_mut().enumerate() {
            assert_eq!(reader.read_next().await.unwrap(), Some(batches::int64(first * 100 + at)));
        }
    }
    for mut reader in readers {
        assert_eq!(reader.read_next().await.unwrap(), None);
    }
}

/// Counts the connections that it makes.
struct Counting(PairConnector, Arc<AtomicUsize>);

impl Connect for Counting {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.connect(location)
    }

    fn authority(&self, location: &Location) -> String {
        self.0.authority(location)
    }

    fn address(&self, location: &Location) -> String {
        self.0.address(location)
    }
}

#[tokio::test]
async fn clones_of_a_client_share_a_connection_and_two_clients_do_not() {
    let pair = Pair::new(MemoryService::with("trips", batches::one_per_type()));
    let made = Arc::new(AtomicUsize::new(0));
    let client = || {
        let builder = FlightClient::builder(Location::reuse_connection()).unwrap();
        builder.connector(Counting(pair.connector(), made.clone())).build().unwrap()
    };
    let (first, second) = (client(), client());
    assert_eq!(made.load(Ordering::Relaxed), 0, "a client connects at its first call");
    let clones = [first.clone(), first.clone(), first.clone(), second.clone(), second.clone()];
    let calls = clones.iter().map(|client| async {
        let table = client.do_get(Ticket::new("trips")).await?.read_all().await?;
        Ok::<_, FlightError>(table.batches)
    });
    for read in join_all(calls).await {
        assert_eq!(read.unwrap(), batches::one_per_type());
    }
    assert_eq!(made.load(Ordering::Relaxed), 2);

    drop(first);
    assert!(clones[0].do_get(Ticket::new("trips")).await.is_ok(), "a clone is a client of its own right");
    assert_eq!(made.load(Ordering::Relaxed), 2);
}
