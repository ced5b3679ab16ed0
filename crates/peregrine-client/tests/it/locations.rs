//! Clients of other locations, and clients with options, made of one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use peregrine_client::{FlightCallOptions, FlightClient, FlightClientBuilder};
use peregrine_proto::{
    ActionType, ClientAuthStage, ClientCallHooks, ClientMiddlewareStage, FlightError, FlightErrorKind, FlightMessage,
    Location, OutgoingCall, Ticket,
};
use peregrine_testkit::{MemoryService, Pair, PairConnector, batches};
use peregrine_transport::{
    Connect, Connecting, InMemoryConnect, IncomingCall, Listener, Reply, ServeConfig, ServeHandle, Status,
    frame_message, serve,
};
use tokio::time::Instant;

/// Reaches two servers by the hosts `north` and `south`, and writes down where it connects.
#[derive(Clone)]
struct Compass {
    north: PairConnector,
    south: PairConnector,
    connected: Arc<Mutex<Vec<Location>>>,
}

impl Connect for Compass {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        self.connected.lock().unwrap().push(location.clone());
        match location.host() {
            Some("north") => self.north.connect(location),
            _ => self.south.connect(location),
        }
    }

    fn check(&self, location: &Location) -> io::Result<()> {
        match location.host() {
            Some("north" | "south") => Ok(()),
            _ => Err(io::Error::other(format!("no way to {location}"))),
        }
    }
}

fn flight(rows: usize) -> Pair {
    Pair::new(MemoryService::with("trips", vec![batches::int64(rows)]))
}

/// A client of north, where the flight has 1 row; in the south it has 2.
fn compass() -> (FlightClientBuilder, Arc<Mutex<Vec<Location>>>, [Pair; 2]) {
    let (north, south) = (flight(1), flight(2));
    let connected = Arc::default();
    let compass = Compass { north: north.connector(), south: south.connector(), connected: Arc::clone(&connected) };
    (FlightClient::builder("grpc://north:1").unwrap().connector(compass), connected, [north, south])
}

async fn rows(client: &FlightClient) -> usize {
    client.do_get(Ticket::new("trips")).await.unwrap().read_all().await.unwrap().num_rows()
}

fn hosts(locations: &Mutex<Vec<Location>>) -> Vec<String> {
    locations.lock().unwrap().iter().map(|location| location.host().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_client_of_another_location_connects_there_in_the_same_way() {
    let (builder, connected, _pairs) = compass();
    let north = builder.build().unwrap();
    let south = north.at("grpc://south:1").unwrap();
    assert_eq!(hosts(&connected), [""; 0], "nothing connects before a call");
    assert_eq!((rows(&south).await, rows(&north).await, rows(&south.clone()).await), (2, 1, 2));
    assert_eq!(hosts(&connected), ["south", "north"], "each has one connection of its own");
    assert_eq!((north.location().host(), south.location().host()), (Some("north"), Some("south")));
    assert_eq!(rows(&south.at("grpc://north:1").unwrap()).await, 1);
    assert_eq!(hosts(&connected), ["south", "north", "north"], "which clients of one location do not share");

    let error = north.at("grpc://east:1").unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    assert!(error.message().contains("no way to"), "{error}");
    assert_eq!(north.at("nonsense").unwrap_err().kind(), FlightErrorKind::InvalidArgument);
}

#[tokio::test]
async fn the_connection_that_an_endpoint_wants_reused_is_that_of_the_client() {
    let (builder, connected, _pairs) = compass();
    let north = builder.build().unwrap();
    assert_eq!(rows(&north).await, 1);
    let same = north.at(Location::reuse_connection()).unwrap();
    assert_eq!((rows(&same).await, same.location()), (1, north.location()));
    assert_eq!(hosts(&connected), ["north"]);
    let south = north.at("grpc://south:1").unwrap();
    same.close();
    assert!(north.list_actions().await.is_err(), "they are one");
    assert_eq!(rows(&south).await, 2, "and others are not");
}

/// Counts what it sees.
#[derive(Clone, Default)]
struct Counts {
    authorized: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl ClientAuthStage for Counts {
    fn authorize<'a>(
        &'a self,
        _: &'a mut OutgoingCall,
    ) -> Pin<Box<dyn Future<Output = Result<(), FlightError>> + Send + 'a>> {
        self.authorized.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
}

impl ClientMiddlewareStage for Counts {
    fn start_call(&self, _: &OutgoingCall) -> Result<Option<Box<dyn ClientCallHooks>>, FlightError> {
        Ok(Some(Box::new(self.clone())))
    }
}

impl ClientCallHooks for Counts {
    fn call_completed(&self, _: &peregrine_proto::Outcome) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn stages_and_options_go_along() {
    let (builder, _, _pairs) = compass();
    let counts = Counts::default();
    let builder = builder.auth_stage(counts.clone()).middleware_stage(counts.clone());
    let north = builder.call_options(FlightCallOptions::new().with_timeout(Duration::from_secs(9))).build().unwrap();
    let south = north.with(FlightCallOptions::new().with_header("x-a", "1").unwrap()).at("grpc://south:1").unwrap();
    assert_eq!((rows(&north).await, rows(&south).await), (1, 2));
    let seen = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert_eq!((seen(&counts.authorized), seen(&counts.ended)), (2, 2));
    assert_eq!(south.options().timeout, Some(Duration::from_secs(9)));
    assert_eq!(south.options().headers["x-a"], "1");
    assert!(north.options().headers.is_empty(), "with() makes another client");
}

/// A server that responds to ListActions with the values of `x-a`, and never to anything else.
fn bare() -> (ServeHandle, InMemoryConnect) {
    let (listener, connector) = Listener::in_memory();
    let handler = move |call: IncomingCall| async move {
        if !call.info.path().ends_with("ListActions") {
            std::future::pending::<()>().await;
        }
        let values = call.info.headers().get_all("x-a").iter().map(|value| value.to_str().unwrap());
        let values: Vec<&str> = values.collect();
        let frame = frame_message(ActionType::new(values.join(","), "").serialize()).unwrap();
        Reply::complete(HeaderMap::new(), frame, Status::ok())
    };
    (serve(listener, handler, ServeConfig::default()).unwrap(), connector)
}

#[tokio::test(start_paused = true)]
async fn options_of_a_client_go_with_its_calls_and_later_ones_win() {
    let (_server, connector) = bare();
    let header = |value: &str| FlightCallOptions::new().with_header("x-a", value).unwrap();
    let builder = FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector);
    let builder = builder.call_options(header("builder")).call_options(header("later"));
    let client = builder.call_options(FlightCallOptions::new().with_timeout(Duration::from_secs(5))).build().unwrap();
    let seen = async |client: &FlightClient| {
        let actions = client.list_actions().await.unwrap().read_all().await.unwrap();
        actions[0].action_type().to_owned()
    };
    assert_eq!(seen(&client).await, "later");
    let two = client.with(header("one").with_header("x-a", "two").unwrap());
    assert_eq!(seen(&two).await, "one,two");
    assert_eq!(seen(&two.with(FlightCallOptions::new())).await, "one,two");
    assert_eq!(seen(&two.with(header("three"))).await, "three");
    assert_eq!(seen(&client).await, "later");

    let started = Instant::now();
    let longer = two.with(FlightCallOptions::new().with_timeout(Duration::from_secs(7)));
    for (client, seconds) in [(&two, 5), (&longer, 12)] {
        let error = client.do_get(Ticket::new("")).await.unwrap_err();
        assert_eq!((error.kind(), started.elapsed().as_secs()), (FlightErrorKind::TimedOut, seconds));
    }
}
