//! What goes in comes out: every type, whole, sliced and empty, from and to ourselves and arrow-ipc.

use arrow_array::{Array, RecordBatch, make_array};
use arrow_buffer::Buffer;
use arrow_data::transform::MutableArrayData;
use peregrine::ipc::IpcWriteOptions;
use peregrine_testkit::random;

use crate::framing::{arrow_decode, arrow_encode, decode, encode, parts};

/// Offsets around the edges of bytes and words.
const STARTS: [usize; 7] = [0, 1, 7, 8, 63, 64, 65];

fn assert_round_trip(batch: &RecordBatch) {
    let messages = parts(&encode(std::slice::from_ref(batch), IpcWriteOptions::default()));
    let ours = decode(&messages).unwrap();
    assert_eq!(ours.len(), 1);
    assert_same(&ours[0], batch, "our reader");
    let (schema, theirs) = arrow_decode(&messages);
    assert_eq!(schema, batch.schema());
    assert_same(&theirs[0], batch, "arrow-ipc's reader");
    ours[0].columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
}

fn assert_same(actual: &RecordBatch, expected: &RecordBatch, by: &str) {
    assert_eq!(actual.schema(), expected.schema(), "by {by}");
    assert_eq!(actual.num_rows(), expected.num_rows(), "by {by}");
    for ((actual, expected), field) in actual.columns().iter().zip(expected.columns()).zip(expected.schema().fields()) {
        assert_eq!(actual.len(), expected.len(), "{field} by {by}");
        assert_eq!(actual.null_count(), expected.null_count(), "{field} by {by}");
        assert!(actual.to_data() == expected.to_data(), "{field} by {by}:\n{actual:?}\n{expected:?}");
    }
}

#[test]
fn every_type_whole_sliced_and_empty() {
    for (index, data_type) in random::all_types().into_iter().enumerate() {
        let batch = random::batch(&[data_type.clone(), data_type], 300, index as u64);
        for start in STARTS {
            for count in [0, 1, 2, 64, 100, 300 - start] {
                assert_round_trip(&batch.slice(start, count));
            }
        }
    }
}

#[test]
fn what_arrow_ipc_writes_is_read() {
    for (index, data_type) in random::all_types().into_iter().enumerate() {
        let batch = random::batch(&[data_type], 200, index as u64);
        for batch in [batch.clone(), batch.slice(9, 70), batch.slice(3, 0)] {
            let read = decode(&arrow_encode(std::slice::from_ref(&batch))).unwrap();
            assert_same(&read[0], &batch, "our reader");
        }
    }
}

#[test]
fn many_columns_in_one_batch() {
    let batch = random::batch(&random::all_types(), 130, 7);
    assert_round_trip(&batch);
    assert_round_trip(&batch.slice(65, 65));
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    assert_round_trip(&random::batch(&[], 17, 0));
}

#[test]
fn a_slice_of_a_slice_sends_what_a_copy_of_its_rows_would() {
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), 6400, 1);
        for (start, count) in [(77, 64), (3, 0), (1000, 700)] {
            let slice = batch.slice(1000, 4000).slice(start, count);
            let data = slice.column(0).to_data();
            let mut copy = MutableArrayData::new(vec![&data], false, count);
            copy.try_extend(0, 0, count).unwrap();
            let copy = RecordBatch::try_new(slice.schema(), vec![make_array(copy.freeze())]).unwrap();
            let size = |batch: &RecordBatch| {
                let messages = encode(std::slice::from_ref(batch), IpcWriteOptions::default());
                messages.last().unwrap().body.iter().map(Buffer::len).sum::<usize>()
            };
            assert_eq!(size(&slice), size(&copy), "{count} rows of {data_type}");
        }
    }
}
