//! Counters and addresses, not timing: what is sent is the arrays' own memory.

use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, Schema};
use bytes::Buf;
use futures_util::StreamExt;
use peregrine_ipc::{Encoder, IpcWriteOptions};
use peregrine_stream::{FlightDataStream, FrameConfig};
use peregrine_testkit::batches;
use peregrine_transport::Rope;

/// Enough for every buffer of every type but bitmaps to be over any threshold for sharing.
const ROWS: usize = 40_000;

/// A buffer of this size is shared; smaller ones may be copied together.
const SHARED_FROM: usize = 4 << 10;

fn batch_of(data_type: &DataType, rows: usize) -> RecordBatch {
    batches::of_schema(&Schema::new(vec![Field::new("c", data_type.clone(), true)]).into(), rows)
}

/// Where all buffers of an array lie: bitmaps, offsets, values, and those of its dictionary.
fn memory_of(data: &ArrayData, into: &mut Vec<Range<usize>>) {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    let buffers = data.buffers().iter().chain(nulls).filter(|buffer| !buffer.is_empty());
    into.extend(buffers.map(|buffer| {
        let start = buffer.as_ptr() as usize;
        start..start + buffer.len()
    }));
    data.child_data().iter().for_each(|child| memory_of(child, into));
}

fn memory(batch: &RecordBatch) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    batch.columns().iter().for_each(|column| memory_of(&column.to_data(), &mut ranges));
    ranges
}

#[test]
fn an_encoded_batch_is_the_memory_of_its_arrays() {
    for data_type in batches::flat_types() {
        let batch = batch_of(&data_type, ROWS);
        let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default()).unwrap();
        let mut messages = Vec::new();
        encoder.encode(&batch, &mut messages).unwrap();

        let sent: Vec<_> = messages.iter().flat_map(|message| &message.body).collect();
        let owned = memory(&batch);
        for buffer in &sent {
            let start = buffer.as_ptr() as usize;
            assert!(owned.iter().any(|range| range.start == start && start + buffer.len() <= range.end), "{data_type}");
        }
        for range in owned {
            assert!(sent.iter().any(|buffer| buffer.as_ptr() as usize == range.start), "{data_type}: one is missing");
        }
        let stats = encoder.stats();
        assert_eq!(stats.copied_bytes, 0, "{data_type}");
        assert_eq!(stats.shared_bytes, sent.iter().map(|buffer| buffer.len() as u64).sum::<u64>(), "{data_type}");
    }
}

#[test]
fn slices_at_whole_bytes_of_their_bitmaps_copy_offsets_and_nothing_else() {
    for data_type in batches::flat_types() {
        let rows = 1000;
        let slice = batch_of(&data_type, ROWS).slice(64, rows);
        let mut encoder = Encoder::new(slice.schema(), IpcWriteOptions::default()).unwrap();
        encoder.encode(&slice, &mut Vec::new()).unwrap();
        let allowed = match data_type {
            DataType::Utf8 | DataType::Binary => 4 * (rows + 1),
            DataType::LargeUtf8 | DataType::LargeBinary => 8 * (rows + 1),
            // Views of a slice may be compacted, so that their whole parent is not sent.
            DataType::Utf8View | DataType::BinaryView => continue,
            _ => 0,
        };
        assert_eq!(encoder.stats().copied_bytes, allowed as u64, "{data_type}");
    }
}

/// Where the parts of the frames lie.
async fn parts_of(stream: FlightDataStream) -> (Vec<Range<usize>>, Vec<Rope>) {
    let mut frames = stream.into_frames(FrameConfig::default()).unwrap();
    let (mut ranges, mut ropes) = (Vec::new(), Vec::new());
    while let Some(frame) = frames.next().await {
        let rope = frame.unwrap();
        let mut slices = vec![std::io::IoSlice::new(&[]); rope.parts()];
        let count = rope.chunks_vectored(&mut slices);
        ranges.extend(slices[..count].iter().map(|slice| {
            let start = slice.as_ptr() as usize;
            start..start + slice.len()
        }));
        ropes.push(rope);
    }
    (ranges, ropes)
}

#[tokio::test]
async fn frames_hold_the_memory_of_the_arrays() {
    for data_type in batches::flat_types() {
        let batch = batch_of(&data_type, ROWS);
        let stream = FlightDataStream::from_batches(batch.schema(), [batch.clone()]);
        let (parts, _ropes) = parts_of(stream.with_write_options(IpcWriteOptions::default())).await;
        for range in memory(&batch).into_iter().filter(|range| range.len() >= SHARED_FROM) {
            // A buffer may have more capacity than its rows need.
            let part = parts.iter().find(|part| part.start == range.start);
            assert!(part.is_some_and(|part| part.end <= range.end), "{data_type}: {} bytes are copied", range.len());
        }
    }
}

#[tokio::test]
async fn a_batch_that_is_cut_shares_all_its_values() {
    let batch = batches::int64(1 << 20);
    let (parts, ropes) = parts_of(FlightDataStream::from_batches(batch.schema(), [batch.clone()])).await;
    let owned = memory(&batch);
    let inside = |part: &Range<usize>| owned.iter().any(|range| range.start <= part.start && part.end <= range.end);
    let shared: usize = parts.iter().filter(|part| inside(part)).map(Range::len).sum();
    assert_eq!(shared, 32 << 20);
    let all: usize = ropes.iter().map(Rope::len).sum();
    assert!(all - shared < 64 << 10, "{} bytes of heads", all - shared);
}
