//! Buffers that their sender put where their type cannot use them are copied once, by themselves, and counted.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringViewArray};
use arrow_buffer::Buffer;
use bytes::Bytes;
use peregrine::ipc::IpcWriteOptions;
use peregrine_testkit::random;

use crate::framing::{decode_with, decoder, encode, parts};

/// The same bytes, `shift` behind a multiple of 64.
fn shifted(body: &Bytes, shift: usize) -> Bytes {
    let mut memory = vec![0_u8; shift];
    memory.extend_from_slice(body);
    Bytes::from_owner(Buffer::from_slice_ref(&memory)).slice(shift..)
}

#[test]
fn only_what_is_misplaced_for_its_type_is_copied() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..50));
    let decimals: ArrayRef = Arc::new(Decimal128Array::from_iter_values(0..50));
    let small: ArrayRef = Arc::new(Int32Array::from_iter_values(0..50));
    let views: ArrayRef =
        Arc::new((0..50).map(|n| Some(format!("{n} words of some length"))).collect::<StringViewArray>());
    let batch = RecordBatch::try_from_iter([("n", numbers), ("d", decimals), ("s", small), ("v", views)]).unwrap();
    let messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
    // How many of (int64, decimal128, int32, views) a shift of the body misplaces.
    for (shift, copies, bytes) in [(0, 0, 0), (16, 0, 0), (8, 2, 1600), (4, 3, 2000), (1, 4, 2200), (64, 0, 0)] {
        let mut messages = messages.clone();
        messages[1].1 = shifted(&messages[1].1, shift);
        let mut decoder = decoder();
        assert_eq!(decode_with(&mut decoder, &messages).unwrap(), std::slice::from_ref(&batch), "shift {shift}");
        let stats = decoder.stats();
        assert_eq!((stats.realigned_buffers, stats.realigned_bytes), (copies, bytes), "shift {shift}");
    }
}

#[test]
fn every_type_is_read_from_any_place() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 65, 4);
        let mut messages = parts(&encode(std::slice::from_ref(&batch), IpcWriteOptions::default()));
        for shift in [1, 2, 4, 8, 16] {
            messages.iter_mut().for_each(|message| message.1 = shifted(&message.1, shift));
            assert_eq!(
                decode_with(&mut decoder(), &messages).unwrap(),
                std::slice::from_ref(&batch),
                "{data_type} at {shift}"
            );
        }
    }
}
