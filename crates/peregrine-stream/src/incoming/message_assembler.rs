//! Frames into messages: each body is copied at most once, to where it stays, or shared as it arrived.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use peregrine_proto::{CallCounter, FlightData, FlightDataProgress, FlightDataReader, FlightError, MessageLimits};
use peregrine_transport::{CallToken, MessagePart};

use crate::buffers::{LentBuffer, Recycler};
use crate::incoming::incoming_parts::{IncomingParts, out_of_order};
use crate::incoming::message_source::MessageSource;

/// A body of this size or more that lies completely in one frame stays where it is; smaller ones are copied at once
/// into a recycled buffer. Measured at 64 Ki rows (2 MiB): 5.7 GB/s kept, 4.9 copied. To keep bodies of 256 KiB as well
/// gave 6.6 instead of 5.7 at 8 Ki rows, but those share a frame, and one that is parked would hold the others in
/// memory.
const KEEP_FROM: usize = 1 << 20;

/// The alignment that the widest type needs.
const WIDEST: usize = 16;

/// Counts what became of the bytes of bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AssemblyStats {
    /// Bytes that were copied once into an aligned buffer.
    pub(crate) copied_bytes: u64,
    /// Bytes that stayed in the frame that brought them.
    pub(crate) kept_bytes: u64,
}

/// Puts FlightData messages together from the parts in which they arrive.
pub(crate) struct MessageAssembler {
    parts: IncomingParts,
    limits: MessageLimits,
    recycler: Recycler,
    message: Option<PartialMessage>,
    stats: AssemblyStats,
}

/// A message of which parts are still to arrive.
struct PartialMessage {
    head: FlightDataReader,
    body: PartialBody,
}

enum PartialBody {
    /// Not there yet, or there is none.
    Awaited,
    /// Some of it is missing.
    Filling(LentBuffer),
    Complete(Bytes),
}

impl MessageAssembler {
    /// Reads on from where the source is, from here on under the limit for FlightData.
    pub(crate) fn new(mut source: impl MessageSource, limits: MessageLimits, recycler: Recycler) -> Self {
        source.set_message_limit(limits.message);
        let parts = IncomingParts::new(source);
        Self { parts, limits, recycler, message: None, stats: AssemblyStats::default() }
    }

    pub(crate) fn stats(&self) -> AssemblyStats {
        self.stats
    }

    /// The token of the call, if there is one.
    pub(crate) fn token(&self) -> Option<&CallToken> {
        self.parts.token()
    }

    /// Counts the rows that are decoded.
    pub(crate) fn counter(&self) -> Option<Arc<CallCounter>> {
        self.parts.counter()
    }

    /// The peer's headers, as far as the source has them.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        self.parts.headers()
    }

    /// The peer's trailers, once the stream is at its end.
    pub(crate) fn trailers(&self) -> Option<&HeaderMap> {
        self.parts.trailers()
    }

    /// Reads no more, for an error of what was received.
    pub(crate) fn fail(&mut self, error: &FlightError) {
        self.parts.fail(error);
        self.message = None;
    }

    /// The next complete message; `None` at the end of the stream. After an error the stream is at its end.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<FlightData, FlightError>>> {
        loop {
            let taken = match ready!(self.parts.poll_part(cx)) {
                Some(Ok(part)) => self.take_part(part),
                Some(Err(error)) => Err(error),
                None => return Poll::Ready(None),
            };
            if let Err(error) = &taken {
                self.fail(error);
            }
            if let Some(message) = taken.transpose() {
                return Poll::Ready(Some(message));
            }
        }
    }

    fn take_part(&mut self, part: MessagePart) -> Result<Option<FlightData>, FlightError> {
        match part {
            MessagePart::Start { length } => {
                let head = FlightDataReader::new(length, &self.limits);
                self.message = Some(PartialMessage { head, body: PartialBody::Awaited });
                Ok(None)
            }
            MessagePart::Chunk(chunk) => {
                let Some(message) = &mut self.message else { return Err(out_of_order()) };
                message.take_chunk(chunk, &self.recycler, &mut self.stats)?;
                Ok(None)
            }
            MessagePart::End => self.message.take().ok_or_else(out_of_order)?.finish().map(Some),
        }
    }
}

impl PartialMessage {
    fn take_chunk(
        &mut self,
        mut chunk: Bytes,
        recycler: &Recycler,
        stats: &mut AssemblyStats,
    ) -> Result<(), FlightError> {
        while !chunk.is_empty() {
            if let PartialBody::Filling(lent) = &mut self.body {
                let part = chunk.split_to(lent.missing().min(chunk.len()));
                lent.fill(&part);
                stats.copied_bytes += part.len() as u64;
                self.freeze_if_full();
                continue;
            }
            match self.head.read(&mut chunk)? {
                FlightDataProgress::NeedMore => {}
                FlightDataProgress::Body { length } if keeps(&chunk, length) => {
                    stats.kept_bytes += length as u64;
                    self.body = PartialBody::Complete(chunk.split_to(length));
                }
                FlightDataProgress::Body { length } => {
                    self.body = PartialBody::Filling(recycler.lend(length)?);
                    self.freeze_if_full();
                }
                FlightDataProgress::Done => break,
            }
        }
        if chunk.is_empty() { Ok(()) } else { Err(out_of_order()) }
    }

    /// Ends the filling of a body that is complete; an empty one is complete at once.
    fn freeze_if_full(&mut self) {
        if let PartialBody::Filling(lent) = &self.body
            && lent.missing() == 0
            && let PartialBody::Filling(lent) = std::mem::replace(&mut self.body, PartialBody::Awaited)
        {
            self.body = PartialBody::Complete(lent.freeze());
        }
    }

    fn finish(self) -> Result<FlightData, FlightError> {
        let parts = self.head.finish()?;
        let data_body = match self.body {
            PartialBody::Complete(body) => body,
            PartialBody::Awaited => Bytes::new(),
            PartialBody::Filling(_) => return Err(out_of_order()),
        };
        Ok(FlightData {
            flight_descriptor: parts.flight_descriptor,
            data_header: parts.data_header,
            app_metadata: parts.app_metadata,
            data_body,
        })
    }
}

/// Whether a body can stay in the frame: it is there completely, large, and aligned for every type.
fn keeps(chunk: &Bytes, length: usize) -> bool {
    length >= KEEP_FROM && chunk.len() >= length && (chunk.as_ptr() as usize).is_multiple_of(WIDEST)
}
