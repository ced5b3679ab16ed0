//! `HeldBody`: the incoming body of a call, where the end of the call finds it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::task::coop::consume_budget;

use super::any_body::AnyBody;
use super::token::{CallToken, EndListener, Ending};
use super::waker_slot::WakerSlot;
use crate::grpc::status::Status;
use crate::mutex::Mutex;

/// The incoming body of a call. It is here and not in its reader so that the end of the call can drop it: the stream is
/// reset only when no part of it is held any more.
pub(crate) struct HeldBody {
    slot: Mutex<Slot>,
}

struct Slot {
    /// `None` once it was dropped, and while a boxed one is polled.
    body: Option<AnyBody>,
    /// The body is polled, and is to be dropped then.
    is_unwanted: bool,
    reader: WakerSlot,
}

/// The next frame of a body, or how it ended.
pub(crate) enum BodyRead {
    Frame(Result<Frame<Bytes>, Status>),
    /// No frame is left. Whether the peer has said so: hyper calls it an end too when the peer resets with NO_ERROR.
    End {
        end_stream: bool,
    },
    /// The body was dropped, as the end of the call does.
    Dropped,
}

impl HeldBody {
    /// Holds a body until the call ends.
    pub(crate) fn new(body: AnyBody, token: &CallToken) -> Arc<Self> {
        let held = Arc::new(Self {
            slot: Mutex::new(Slot { body: Some(body), is_unwanted: false, reader: WakerSlot::default() }),
        });
        token.tell(held.clone());
        held
    }

    /// The next frame. The waker is kept, and woken also when the body is dropped.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>) -> Poll<BodyRead> {
        let mut slot = self.slot.lock();
        slot.reader.keep(cx.waker());
        if let Some(body @ AnyBody::Connection(_)) = &mut slot.body {
            return poll_body(body, cx);
        }
        let Some(mut body) = slot.body.take() else { return Poll::Ready(BodyRead::Dropped) };
        // Code of a layer or of a host, which may end the call: no lock is held.
        drop(slot);
        let read = poll_body(&mut body, cx);
        let mut slot = self.slot.lock();
        if !slot.is_unwanted {
            slot.body = Some(body);
            return read;
        }
        drop(slot);
        drop(body);
        Poll::Ready(BodyRead::Dropped)
    }

    /// Drops the body without ending the call: the rest of what the peer sends is thrown away.
    pub(crate) fn discard(&self) {
        let body = self.slot.lock().drop_body();
        drop(body);
    }

    /// Throws away what the peer still sends, in the background: a body that is dropped opens no window, and a peer that
    /// writes all before it reads would wait indefinitely.
    pub(crate) fn drain(self: Arc<Self>) {
        if self.slot.lock().body.as_ref().is_none_or(Body::is_end_stream) {
            return self.discard();
        }
        let Ok(runtime) = Handle::try_current() else { return self.discard() };
        runtime.spawn(async move {
            while let BodyRead::Frame(Ok(_)) = poll_fn(|cx| self.poll_read(cx)).await {
                consume_budget().await;
            }
            self.discard();
        });
    }

    /// Whether the body is there and says that it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.slot.lock().body.as_ref().is_some_and(Body::is_end_stream)
    }
}

impl Slot {
    /// The body, to be dropped where no lock is held; one that is being polled is dropped behind that.
    fn drop_body(&mut self) -> Option<AnyBody> {
        self.is_unwanted = true;
        self.body.take()
    }
}

fn poll_body(body: &mut AnyBody, cx: &mut Context<'_>) -> Poll<BodyRead> {
    Pin::new(&mut *body).poll_frame(cx).map(|frame| match frame {
        Some(frame) => BodyRead::Frame(frame),
        None => BodyRead::End { end_stream: body.is_end_stream() },
    })
}

impl EndListener for HeldBody {
    fn call_ended(&self, _: &Ending) {
        let mut slot = self.slot.lock();
        let (body, reader) = (slot.drop_body(), slot.reader.take());
        // Foreign code runs below: h2's drop, and the waker.
        drop(slot);
        drop(body);
        reader.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for HeldBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldBody").finish_non_exhaustive()
    }
}
