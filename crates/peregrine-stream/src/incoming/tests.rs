//! Streams that are read from memory: frames cut anywhere, and what a source learns from its reader.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use arrow_array::types::Int32Type;
use arrow_array::{DictionaryArray, Int64Array, RecordBatch, StringArray};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderValue};
use peregrine_proto::{
    ActionResult, Code, FlightData, FlightDescriptor, FlightError, FlightErrorKind, FlightMessage, MessageLimits,
};
use peregrine_transport::{MessagePart, Rope, Status, frame_message};

use crate::{
    FlightDataStream, FlightStreamChunk, FlightStreamReader, FrameConfig, MessageSource, MessageStream, ReadConfig,
};

/// Frames in memory, and messages in them.
#[derive(Default)]
struct InMemory {
    frames: VecDeque<Bytes>,
    prefix: Vec<u8>,
    missing: Option<usize>,
    /// What the call ends with, if with an error.
    status: Option<Status>,
    trailers: HeaderMap,
    seen: Arc<Seen>,
}

/// What a source learned from its reader.
#[derive(Default)]
struct Seen {
    limit: AtomicUsize,
    failed: Mutex<Option<FlightErrorKind>>,
}

impl InMemory {
    /// The bytes in frames of this many bytes.
    fn cut(bytes: &Bytes, length: usize) -> Self {
        // Each frame is its own allocation, aligned to nothing.
        let frames = bytes.chunks(length).map(Bytes::copy_from_slice).collect();
        Self { frames, ..Self::default() }
    }

    fn next_part(&mut self) -> Option<MessagePart> {
        loop {
            if self.missing == Some(0) {
                self.missing = None;
                return Some(MessagePart::End);
            }
            let frame = self.frames.front_mut()?;
            if frame.is_empty() {
                self.frames.pop_front();
                continue;
            }
            if let Some(missing) = &mut self.missing {
                let chunk = frame.split_to(frame.len().min(*missing));
                *missing -= chunk.len();
                return Some(MessagePart::Chunk(chunk));
            }
            self.prefix.push(frame.get_u8());
            if let [_, a, b, c, d] = self.prefix[..] {
                let length = u32::from_be_bytes([a, b, c, d]) as usize;
                self.prefix.clear();
                self.missing = Some(length);
                return Some(MessagePart::Start { length });
            }
        }
    }
}

impl MessageSource for InMemory {
    fn poll_part(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<MessagePart, Status>>> {
        let part = self.next_part().map(Ok);
        Poll::Ready(part.or_else(|| self.status.take().map(Err)))
    }

    fn headers(&self) -> Option<&HeaderMap> {
        Some(&self.trailers)
    }

    fn trailers(&self) -> Option<&HeaderMap> {
        self.frames.is_empty().then_some(&self.trailers)
    }

    fn set_message_limit(&mut self, limit: usize) {
        self.seen.limit.store(limit, Ordering::Relaxed);
    }

    fn fail(&mut self, error: &FlightError) {
        *self.seen.failed.lock().unwrap() = Some(error.kind());
    }
}

fn reader(source: InMemory) -> FlightStreamReader {
    FlightStreamReader::new(source, ReadConfig::default())
}

/// Two batches, one with metadata, and metadata alone.
fn chunks() -> Vec<FlightStreamChunk> {
    let batch = |rows: i64| {
        let names: DictionaryArray<Int32Type> = (0..rows).map(|row| ["a", "b"][row as usize % 2]).collect();
        let texts = StringArray::from_iter_values((0..rows).map(|row| row.to_string()));
        let ids = Int64Array::from_iter_values(0..rows);
        RecordBatch::try_from_iter([
            ("id", Arc::new(ids) as _),
            ("name", Arc::new(names) as _),
            ("text", Arc::new(texts) as _),
        ])
        .unwrap()
    };
    vec![
        FlightStreamChunk::batch(batch(50)),
        FlightStreamChunk::metadata("alone"),
        FlightStreamChunk::with_metadata(batch(3), "beside"),
    ]
}

async fn joined(frames: impl stream::Stream<Item = Result<Rope, FlightError>>) -> Bytes {
    let mut frames: Vec<Rope> = frames.try_collect().await.unwrap();
    let mut all = BytesMut::new();
    frames.iter_mut().for_each(|frame| all.put(frame));
    all.freeze()
}

async fn written(chunks: Vec<FlightStreamChunk>) -> Bytes {
    let schema = chunks[0].data.as_ref().unwrap().schema();
    let chunks = stream::iter(chunks).map(Ok::<_, FlightError>);
    joined(FlightDataStream::from_chunks(schema, chunks).into_frames(FrameConfig::default()).unwrap()).await
}

async fn read(reader: &mut FlightStreamReader) -> Result<Vec<FlightStreamChunk>, FlightError> {
    let mut chunks = Vec::new();
    while let Some(chunk) = reader.read_chunk().await? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

#[tokio::test]
async fn frames_may_be_cut_anywhere() {
    let bytes = written(chunks()).await;
    for length in (1..=65).chain([1000, bytes.len()]) {
        let mut reader = reader(InMemory::cut(&bytes, length));
        assert_eq!(read(&mut reader).await.unwrap(), chunks(), "in frames of {length} bytes");
        assert_eq!(reader.read_chunk().await.unwrap(), None, "the end stays the end");
        let stats = reader.stats();
        assert_eq!((stats.num_record_batches, stats.num_dictionary_batches), (2, 1));
        assert!(reader.trailers().is_some_and(HeaderMap::is_empty));
    }
}

#[tokio::test]
async fn a_large_body_stays_in_its_frame_and_a_cut_one_is_copied_once() {
    let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from_iter_values(0..200_000)) as _)]).unwrap();
    let expected = vec![FlightStreamChunk::batch(batch)];
    let bytes = written(expected.clone()).await;
    let mut cut = reader(InMemory::cut(&bytes, 300_001));
    assert_eq!(read(&mut cut).await.unwrap(), expected);
    assert_eq!((cut.stats().copied_bytes, cut.stats().kept_bytes), (1_600_000, 0));
    let mut whole = reader(InMemory::cut(&bytes, bytes.len()));
    assert_eq!(read(&mut whole).await.unwrap(), expected);
    assert_eq!(whole.stats().copied_bytes + whole.stats().kept_bytes, 1_600_000);
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_message_is_an_error() {
    let bytes = written(chunks()).await;
    let mut ends = 0;
    for length in (1..bytes.len()).step_by(7) {
        let source = InMemory::cut(&bytes.slice(..length), 1000);
        let (seen, mut reader) = (Arc::clone(&source.seen), reader(source));
        let whole = read(&mut reader).await;
        let failed = *seen.failed.lock().unwrap();
        assert_eq!(whole.as_ref().err().map(FlightError::kind), failed);
        assert_eq!(reader.read_chunk().await.unwrap(), None, "nothing comes behind an error");
        ends += usize::from(whole.is_err());
    }
    assert!(ends > 100, "{ends}");
}

#[tokio::test]
async fn an_upload_is_read_from_its_descriptor_on() {
    let descriptor = FlightDescriptor::for_path(["a", "b"]);
    let first = FlightData { flight_descriptor: Some(descriptor.clone()), ..FlightData::default() };
    let mut upload = BytesMut::new();
    upload.put(frame_message(first.serialize()).unwrap());
    upload.put(written(chunks()).await);
    let upload = upload.freeze();
    for length in [1, 10, upload.len()] {
        let mut reader = reader(InMemory::cut(&upload, length));
        assert_eq!(reader.read_descriptor().await.unwrap(), &descriptor);
        assert_eq!(reader.schema().await.unwrap(), chunks()[0].data.as_ref().unwrap().schema());
        assert_eq!(read(&mut reader).await.unwrap(), chunks());
    }
}

#[tokio::test]
async fn an_error_of_the_source_brings_its_trailers() {
    let mut status = Status::new(Code::NotFound, "no such flight");
    status.metadata_mut().insert("x-place", HeaderValue::from_static("end"));
    let source = InMemory { status: Some(status), ..InMemory::cut(&written(chunks()).await, 100) };
    let mut reader = reader(source);
    assert_eq!(reader.schema().await.unwrap().fields().len(), 3);
    assert_eq!(read(&mut reader).await.unwrap_err().kind(), FlightErrorKind::NotFound);
    assert_eq!(reader.trailers().unwrap()["x-place"], "end");
    assert!(reader.headers().is_empty());
}

#[tokio::test]
async fn a_source_learns_the_limit_and_needs_no_call() {
    let limits = MessageLimits { message: 4321, ..MessageLimits::default() };
    let source = InMemory::cut(&written(chunks()).await, 100);
    let seen = Arc::clone(&source.seen);
    let config = ReadConfig { limits, ..ReadConfig::default() };
    let mut reader = FlightStreamReader::new(source, config);
    assert_eq!(seen.limit.load(Ordering::Relaxed), 4321);
    assert!(reader.token().is_none());
    reader.cancel();
    assert_eq!(read(&mut reader).await.unwrap(), chunks());
}

#[tokio::test]
async fn small_messages_are_read_from_frames_too() {
    let results = || ["one", "", "a third that is longer"].map(ActionResult::new);
    let bytes = joined(MessageStream::from_iter(results()).into_frames(FrameConfig::default())).await;
    for length in 1..=bytes.len() {
        let mut received = MessageStream::<ActionResult>::from_messages(InMemory::cut(&bytes, length));
        for expected in results() {
            assert_eq!(received.read_next().await.unwrap(), Some(expected), "in frames of {length} bytes");
        }
        assert_eq!(received.read_next().await.unwrap(), None);
        assert!(received.trailers().is_some());
        let cut = InMemory::cut(&bytes.slice(..bytes.len() - length), length);
        let read = MessageStream::<ActionResult>::from_messages(cut).read_all().await;
        assert!(read.is_err() || read.is_ok_and(|read| read.len() < 3));
    }
}
