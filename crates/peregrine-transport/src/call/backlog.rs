//! What one side read of a body while it waited for the end, for the other side.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use peregrine_proto::Code;
use tokio::time::{Sleep, sleep};

use crate::grpc::framing::MessagePart;
use crate::grpc::status::Status;

/// How much is kept: more than a window of the default size lets a server send that has ended the call already.
const LIMIT: usize = 64 << 20;
/// How long is waited for a reader that is this far behind and reads nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Chunks up to this size are copied when they are kept: they would hold the whole read buffer that brought them.
const COPY_UP_TO: usize = 4 << 10;

/// Parts that wait for their reader, up to a limit.
#[derive(Default)]
pub(crate) struct Backlog {
    parts: VecDeque<MessagePart>,
    bytes: usize,
    /// The reader read nothing for too long, and what came was thrown away.
    overflowed: bool,
    /// How long it is still waited for the reader. `None` while it is not.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Backlog {
    /// The next part, or the error that stands for those that were thrown away.
    pub(crate) fn pop(&mut self) -> Option<Result<MessagePart, Status>> {
        let Some(part) = self.parts.pop_front() else { return self.overflowed.then(|| Err(overflowed())) };
        self.bytes -= cost(&part);
        Some(Ok(part))
    }

    /// Whether someone waited for the reader, who has read now.
    pub(crate) fn was_waited_for(&mut self) -> bool {
        self.patience.take().is_some()
    }

    /// Ready when more may be read: there is room for it, or the reader is not waited for any more.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.overflowed || self.bytes < LIMIT {
            return Poll::Ready(());
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(patience.as_mut().poll(cx));
        self.overflowed = true;
        Poll::Ready(())
    }

    /// Keeps a part, or throws it away where one before it was.
    pub(crate) fn push(&mut self, part: MessagePart) {
        if self.overflowed {
            return;
        }
        let part = match part {
            MessagePart::Chunk(chunk) if chunk.len() <= COPY_UP_TO => {
                MessagePart::Chunk(Bytes::copy_from_slice(&chunk))
            }
            part => part,
        };
        self.bytes += cost(&part);
        self.parts.push_back(part);
    }
}

/// What a part costs while it is kept, roughly.
fn cost(part: &MessagePart) -> usize {
    size_of::<MessagePart>() + if let MessagePart::Chunk(chunk) = part { chunk.len() } else { 0 }
}

fn overflowed() -> Status {
    let message =
        "the reader fell 64 MiB behind and read nothing for ten seconds; the rest of the response was discarded";
    Status::new(Code::ResourceExhausted, message)
}
