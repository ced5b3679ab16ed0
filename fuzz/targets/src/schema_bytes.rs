//! `schema_bytes`: schemas as FlightInfo and SchemaResult carry them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;
use peregrine::ipc::{Decoded, Decoder, Encoder, IpcReadOptions, IpcWriteOptions};
use peregrine::proto::{
    FlightErrorKind, MessageLimits, MetadataVersion, decode_schema, decode_schema_header, encode_schema,
    encode_schema_header,
};
use rand::Rng;
use rand::rngs::SmallRng;

use crate::messages::{self, Message};
use crate::{Outcome, Target, ipc_decoder, mutate, streams};

pub(crate) const TARGET: Target = Target { name: "schema_bytes", seeds, run, mutate: change };

const CONTINUATION: [u8; 4] = [0xff; 4];

fn seeds() -> Vec<Vec<u8>> {
    let headers = streams::all().iter().map(|stream| &stream[0].header);
    let mut inputs: Vec<_> = headers.map(|header| encapsulated(header)).collect();
    // As before Arrow 0.15.
    inputs.push(inputs[0][4..].to_vec());
    inputs.dedup();
    inputs
}

fn encapsulated(header: &[u8]) -> Vec<u8> {
    [&CONTINUATION[..], &(header.len() as u32).to_le_bytes(), header].concat()
}

/// The header behind the prefix, if there is one.
fn header(input: &[u8]) -> Option<&[u8]> {
    input.strip_prefix(&CONTINUATION).unwrap_or(input).get(4..)
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    match (header(input), header(other)) {
        (Some(ours), Some(theirs)) if random.random_ratio(9, 10) => {
            let of = |header: &[u8]| Message { header: header.to_vec(), body: Vec::new() };
            let mut messages = vec![of(ours)];
            messages::change(&mut messages, &[of(theirs)], random);
            let header = messages.first().map(|message| &message.header[..]).unwrap_or_default();
            *input = encapsulated(&header[..header.len().min(mutate::LONGEST)]);
        }
        _ => mutate::bytes(input, other, &[&CONTINUATION, &[0, 0, 0, 0]], random),
    }
}

fn run(input: &[u8]) -> Outcome {
    let limits = ipc_decoder::limits();
    let mut outcome = Outcome::default();
    match decode_schema(input, &limits) {
        Ok(schema) => {
            outcome.took(format_args!("{}", schema.fields().len().min(3)));
            check(schema, &limits);
        }
        Err(error) => {
            use FlightErrorKind::{InvalidArgument, ResourceExhausted, Unimplemented};
            assert!(matches!(error.kind(), InvalidArgument | ResourceExhausted | Unimplemented), "{error}");
            outcome.noted(error);
        }
    }
    if let Some(header) = header(input) {
        check_decoder(header, &limits, &mut outcome);
    }
    outcome
}

/// A schema that was read is within the limits, and is read again as it was.
fn check(schema: Schema, limits: &MessageLimits) {
    assert!(schema.flattened_fields().len() <= limits.schema_fields);
    let defaults = MessageLimits::default();
    assert_eq!(decode_schema(&encode_schema(&schema), &defaults).expect("what is written is read"), schema);
    for version in [MetadataVersion::V4, MetadataVersion::V5] {
        let header = encode_schema_header(&schema, version);
        assert_eq!(decode_schema_header(&header, &defaults).expect("what is written is read"), schema);
    }
}

/// A decoder takes no other schemas than these, and of those that it takes there are batches.
fn check_decoder(header: &[u8], limits: &MessageLimits, outcome: &mut Outcome) {
    let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
    match decoder.decode(header, Bytes::new()) {
        Ok(Decoded::Schema(schema)) => {
            assert_eq!(decode_schema_header(header, limits).expect("a decoder has read it"), *schema);
            let batch = RecordBatch::new_empty(Arc::clone(&schema));
            let mut encoder = Encoder::new(schema, IpcWriteOptions::default()).expect("a schema that was taken");
            let mut messages = vec![encoder.schema_message()];
            encoder.encode(&batch, &mut messages).expect("an empty batch");
            // The ids of dictionaries are others now.
            let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
            let read = messages.iter().map(|message| decoder.decode(&message.header, message.body_bytes()));
            let read = read.last().expect("a batch is a message at least").expect("what is written is read");
            assert_eq!(read, Decoded::RecordBatch(batch));
            outcome.took("decoder");
        }
        Ok(other) => panic!("{other:?} before the schema"),
        Err(error) => outcome.noted(error),
    }
}
