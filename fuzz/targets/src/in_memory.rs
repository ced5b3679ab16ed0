//! `InMemory`: the messages of a call in frames that are there already, without a connection.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use peregrine::proto::Code;
use peregrine::stream::MessageSource;
use peregrine::transport::{MessageParser, MessagePart, Status};

/// Frames, which end the stream where they end.
pub(crate) struct InMemory {
    parser: MessageParser,
    frames: VecDeque<Bytes>,
    is_over: bool,
}

impl InMemory {
    /// Reads messages of any length, until its reader sets a limit.
    pub(crate) fn new(frames: Vec<Bytes>) -> Self {
        Self { parser: MessageParser::new(usize::MAX, None), frames: frames.into(), is_over: false }
    }

    fn next_part(&mut self) -> Result<Option<MessagePart>, Status> {
        while let Some(frame) = self.frames.front_mut() {
            if let Some(part) = self.parser.next(frame)? {
                return Ok(Some(part));
            }
            self.frames.pop_front();
        }
        if self.parser.is_between_messages() {
            Ok(None)
        } else {
            Err(Status::new(Code::Internal, "the stream ended inside a message"))
        }
    }
}

impl MessageSource for InMemory {
    fn poll_part(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let part = self.next_part().transpose();
        self.is_over = !matches!(part, Some(Ok(_)));
        Poll::Ready(part)
    }

    fn set_message_limit(&mut self, limit: usize) {
        self.parser.set_limit(limit);
    }
}

/// What a future gives that has nothing to wait for, as a reader of what is in memory.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a reader waits for what is there"),
    }
}
