//! The places where a server listens.

use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use http::HeaderMap;
use peregrine_proto::Location;
use peregrine_transport::{
    Channel, ChannelConfig, IncomingCall, ListenAddress, Listener, Reply, ServeConfig, SocketConnect, Status, serve,
};

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
