//! Validation that is not stricter than arrow's: of changed bodies, what arrow-ipc's validation takes is taken, and
//! read as it reads it. That nothing else is taken is for the mutations to show.

use std::collections::HashMap;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_schema::SchemaRef;
use bytes::Bytes;
use peregrine::ipc::IpcWriteOptions;
use peregrine_testkit::random;

use crate::framing::{Message, arrow_decode, decode, encode, parts};

const ROWS: usize = 5;

/// What arrow-ipc makes of the last of some messages.
fn arrow(schema: &SchemaRef, messages: &[Message]) -> Option<RecordBatch> {
    let mut dictionaries: HashMap<i64, ArrayRef> = HashMap::new();
    let mut batch = None;
    for (header, body) in &messages[1..] {
        let message = arrow_ipc::root_as_message(header).unwrap();
        let (body, version) = (Buffer::from_slice_ref(body), message.version());
        if let Some(dictionary) = message.header_as_dictionary_batch() {
            read_dictionary(&body, dictionary, schema, &mut dictionaries, &version).ok()?;
        } else {
            let header = message.header_as_record_batch().unwrap();
            batch = read_record_batch(&body, header, schema.clone(), &dictionaries, None, &version).ok();
        }
    }
    batch
}

/// Another byte for each place, so that all kinds of change meet all kinds of place in some type.
fn changed(body: &Bytes, place: usize) -> Bytes {
    let mut body = body.to_vec();
    body[place] = match (place / 3 + place) % 4 {
        0 => body[place] ^ 1,
        1 => body[place].wrapping_add(2),
        2 => body[place] ^ 0x80,
        _ => 0xff,
    };
    body.into()
}

#[test]
fn what_arrow_takes_is_taken() {
    let (mut taken, mut refused) = (0, 0);
    for data_type in random::all_types() {
        let batch = random::batch(std::slice::from_ref(&data_type), ROWS, 5);
        let mut messages = parts(&encode(&[batch], IpcWriteOptions::default()));
        let (schema, _) = arrow_decode(&messages);
        for index in 1..messages.len() {
            for place in 0..messages[index].1.len() {
                let original = messages[index].1.clone();
                messages[index].1 = changed(&original, place);
                match arrow(&schema, &messages) {
                    Some(batch) => {
                        let ours = decode(&messages).unwrap_or_else(|error| panic!("{data_type}, {place}: {error}"));
                        assert_eq!(format!("{ours:?}"), format!("{:?}", [batch]), "{data_type}, {place}");
                        taken += 1;
                    }
                    None => refused += 1,
                }
                messages[index].1 = original;
            }
        }
    }
    assert!(taken > 1000 && refused > 1000, "{taken} taken, {refused} refused");
}
