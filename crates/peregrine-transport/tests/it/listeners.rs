//! The places where a server listens.

use std::future::pending;
use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use http::HeaderMap;
use peregrine_proto::{Location, PeerAddress};
use peregrine_transport::{
    Accept, Accepting, Channel, ChannelConfig, Connect, Connecting, IncomingCall, Io, ListenAddress, Listener, Reply,
    ServeConfig, Shutdown, SocketConnect, Status, serve,
};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::pair::{ask_all, echo, framed};

async fn name_of_peer(call: IncomingCall) -> Reply {
    Reply::complete(HeaderMap::new(), framed(call.info.peer().address.to_string()), Status::ok())
}

#[tokio::test]
async fn tcp_takes_a_free_port_and_says_which() {
    for (host, printed) in [("127.0.0.1", "ipv4:127.0.0.1:"), ("::1", "ipv6:[::1]:")] {
        let Ok(listener) = Listener::tcp((host, 0)).await else { continue };
        let server = serve(listener, name_of_peer, ServeConfig::default()).unwrap();
        let ListenAddress::Tcp(address) = server.local_addr().clone() else { panic!("not TCP") };
        assert_ne!(address.port(), 0);
        let channel =
            Channel::new(Location::for_grpc_tcp(host, address.port()), SocketConnect, ChannelConfig::default())
                .unwrap();
        let peer = ask_all(&channel, "who am I").await.unwrap();
        assert!(peer[0].starts_with(printed.as_bytes()), "{peer:?}");
    }
}

#[tokio::test]
async fn a_unix_socket_removes_its_file_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.sock");
    let server = serve(Listener::unix(&path).unwrap(), name_of_peer, ServeConfig::default()).unwrap();
    let channel = Channel::new(Location::for_grpc_unix(&path), SocketConnect, ChannelConfig::default()).unwrap();
    assert_eq!(ask_all(&channel, "who am I").await.unwrap(), ["unix:"]);
    server.shutdown(Duration::from_secs(60)).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "left behind by a process that died");
    let _server = serve(Listener::unix(&path).unwrap(), echo, ServeConfig::default()).unwrap();
    let channel = Channel::new(Location::for_grpc_unix(&path), SocketConnect, ChannelConfig::default()).unwrap();
    assert_eq!(ask_all(&channel, "x").await.unwrap(), ["x"]);

    let error = Listener::unix(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(ask_all(&channel, "y").await.unwrap(), ["y"]);
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    std::fs::write(&path, "precious").unwrap();
    assert_eq!(Listener::unix(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn the_file_of_another_server_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight.sock");
    let first = Listener::unix(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let _second = Listener::unix(&path).unwrap();
    drop(first);
    assert!(path.exists());
}

/// A source of connections whose results come out of a channel. It reports when it is asked.
struct Scripted {
    results: mpsc::UnboundedReceiver<io::Result<DuplexStream>>,
    asked: mpsc::UnboundedSender<Instant>,
}

impl Accept for Scripted {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let _ = self.asked.send(Instant::now());
            match self.results.recv().await {
                Some(Ok(io)) => Ok((Box::new(io) as Box<dyn Io>, PeerAddress::Other("rack 7".to_owned()))),
                Some(Err(error)) => Err(error),
                None => pending().await,
            }
        })
    }

    fn local_addr(&self) -> ListenAddress {
        ListenAddress::Custom("racks".to_owned())
    }
}

/// Hands the other ends of its connections to a [`Scripted`].
struct ScriptedConnect(mpsc::UnboundedSender<io::Result<DuplexStream>>, mpsc::UnboundedSender<Location>);

impl Connect for ScriptedConnect {
    fn connect<'a>(&'a self, location: &'a Location) -> Connecting<'a> {
        let (ours, theirs) = duplex(1 << 16);
        self.1.send(location.clone()).unwrap();
        self.0.send(Ok(theirs)).unwrap();
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Io>) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_source_is_asked_again_at_once_for_one_connection_and_after_a_pause_otherwise() {
    let (results, receiver) = mpsc::unbounded_channel();
    let (asked, mut is_asked) = mpsc::unbounded_channel();
    let listener = Listener::new(Scripted { results: receiver, asked });
    let server = serve(listener, name_of_peer, ServeConfig::default()).unwrap();
    assert_eq!(server.local_addr(), &ListenAddress::Custom("racks".to_owned()));
    let mut last = is_asked.recv().await.unwrap();
    let mut pause = async || {
        let now = is_asked.recv().await.unwrap();
        let pause = now - last;
        last = now;
        pause.as_millis()
    };
    let fail = |kind: io::ErrorKind| results.send(Err(kind.into())).unwrap();
    for lost in [io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionAborted] {
        fail(lost);
        assert_eq!(pause().await, 0, "{lost}");
    }
    // What the process lacks, the next connection would lack too.
    for expected in [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        fail(io::ErrorKind::OutOfMemory);
        assert_eq!(pause().await, expected);
    }

    let (locations, mut connected) = mpsc::unbounded_channel();
    let location = Location::for_grpc_tcp("rack", 7);
    let connect = ScriptedConnect(results.clone(), locations);
    let channel = Channel::new(location.clone(), connect, ChannelConfig::default()).unwrap();
    assert_eq!(ask_all(&channel, "who am I").await.unwrap(), ["rack 7"]);
    assert_eq!(connected.recv().await.unwrap(), location);
    assert_eq!(pause().await, 0);
    fail(io::ErrorKind::OutOfMemory);
    assert_eq!(pause().await, 5, "a connection that works begins anew");
    assert_eq!(ask_all(&channel, "and now").await.unwrap(), ["rack 7"], "what runs goes on");
}

/// A source whose errors are all those of single connections.
struct Careless(Scripted);

impl Accept for Careless {
    fn accept(&mut self) -> Accepting<'_> {
        self.0.accept()
    }

    fn local_addr(&self) -> ListenAddress {
        self.0.local_addr()
    }

    fn lost_one(&self, _: &io::Error) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn a_custom_source_says_which_errors_are_those_of_one_connection() {
    let (results, receiver) = mpsc::unbounded_channel();
    let (asked, mut is_asked) = mpsc::unbounded_channel();
    let listener = Listener::new(Careless(Scripted { results: receiver, asked }));
    let _server = serve(listener, name_of_peer, ServeConfig::default()).unwrap();
    let first = is_asked.recv().await.unwrap();
    for _ in 0..100 {
        results.send(Err(io::ErrorKind::OutOfMemory.into())).unwrap();
        assert_eq!(is_asked.recv().await.unwrap(), first);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_does_not_keep_a_server_from_its_end() {
    let (results, receiver) = mpsc::unbounded_channel();
    let (asked, mut is_asked) = mpsc::unbounded_channel();
    let server = serve(Listener::new(Scripted { results: receiver, asked }), echo, ServeConfig::default()).unwrap();
    let started = is_asked.recv().await.unwrap();
    results.send(Err(io::ErrorKind::OutOfMemory.into())).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(server.shutdown(Duration::from_secs(60)).await, Shutdown::Drained);
    assert!(started.elapsed() < Duration::from_millis(5), "it did not wait out the pause");
    assert!(results.is_closed(), "the source is gone");
}
