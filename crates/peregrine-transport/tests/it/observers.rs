//! What observers see of the end of a call, and how a request that fails ends behind layers.

use std::sync::{Arc, Mutex};

use futures_util::stream;
use peregrine_proto::{Code, Location};
use peregrine_transport::{
    CallObserver, CallStart, Channel, ChannelConfig, HttpChannel, Outgoing, Reply, ReplyFrame, Status,
};
use tower_layer::layer_fn;

use crate::pair::{ask, call, framed, open_reply, pair, read_all};

/// Writes down the ends that it sees.
#[derive(Default)]
struct Ends(Mutex<Vec<String>>);

impl CallObserver for Ends {
    fn on_end(&self, status: &Status) {
        self.0.lock().unwrap().push(status.to_string());
    }
}

impl Ends {
    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn all_observers_of_a_call_see_its_end_once_and_late_ones_at_once() {
    let pair = pair(crate::pair::echo);
    let (first, second, late) = (Arc::new(Ends::default()), Arc::new(Ends::default()), Arc::new(Ends::default()));
    let start = CallStart { observer: Some(first.clone()), ..CallStart::new("/test.Service/Method") };
    let mut reader = pair.channel.call(start, ask("x")).await.unwrap();
    reader.token().observe(second.clone());
    assert_eq!(read_all(&mut reader).await.unwrap(), ["x"]);
    let token = reader.token().clone();
    drop(reader);
    token.observe(late.clone());
    for ends in [first, second, late] {
        assert_eq!(ends.seen(), ["OK: "]);
    }
}

#[tokio::test]
async fn a_request_that_fails_ends_its_call_with_its_error_behind_layers_too() {
    let (sender, reply) = open_reply();
    let once = crate::pair::Once::new(reply);
    let pair = pair(move |_call| {
        let reply: Reply = once.take();
        async { reply }
    });
    sender.send(ReplyFrame::Data(framed("first"))).unwrap();
    let mut config = ChannelConfig::default();
    config.layers.push(layer_fn(|inner: HttpChannel| inner));
    let channel = Channel::new(Location::reuse_connection(), pair.connector.clone(), config).unwrap();
    let (fail, failed) = tokio::sync::oneshot::channel::<()>();
    let frames = stream::once(async move {
        let _ = failed.await;
        Err(Status::new(Code::DataLoss, "the file has shrunk"))
    });
    let mut reader = call(&channel, Outgoing::stream(frames)).await.unwrap();
    assert_eq!(reader.next_message().await.unwrap().unwrap(), "first");
    fail.send(()).unwrap();
    let status = reader.next_message().await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "the file has shrunk"));
}
