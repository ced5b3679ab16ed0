//! `ipc_decoder`: messages of one stream, changed, reordered and mixed with those of others, through the decoder.

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;
use bytes::{BufMut, Bytes, BytesMut};
use peregrine::ipc::{Decoded, Decoder, DictionaryIds, Encoder, IpcReadOptions, MessageLimits};
use rand::Rng;
use rand::rngs::SmallRng;

use crate::choices::Choices;
use crate::messages::{self, Message};
use crate::{Outcome, Target, streams};

pub(crate) const TARGET: Target = Target { name: "ipc_decoder", seeds, run, mutate: change };

/// Arrays without bytes may have 2^31 rows: those beyond this many are not compared row by row.
const COMPARED_ROWS: usize = 1 << 16;

fn seeds() -> Vec<Vec<u8>> {
    let streams = streams::all().iter().zip((0..=255).cycle());
    let input = |(stream, number): (&streams::Stream, u8)| {
        let mut input = vec![number];
        messages::write(&mut input, &stream.iter().map(Message::of).collect::<Vec<_>>());
        input
    };
    streams.map(input).collect()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    let messages_of = |input: &[u8]| messages::read(input.get(1..).unwrap_or_default());
    let mut messages = messages_of(input);
    messages::change(&mut messages, &messages_of(other), random);
    let choice = input.first().copied().filter(|_| random.random_ratio(9, 10)).unwrap_or_else(|| random.random());
    input.clear();
    input.push(choice);
    messages::write(input, &messages);
}

/// Small limits, so that what gets past them by mistake shows.
pub(crate) fn limits() -> MessageLimits {
    MessageLimits {
        header: 1 << 14,
        dictionaries: 1 << 18,
        decompressed_buffer: 1 << 16,
        decompressed_message: 1 << 18,
        schema_depth: 12,
        schema_fields: 100,
        ..MessageLimits::default()
    }
}

fn run(input: &[u8]) -> Outcome {
    let mut choices = Choices::new(input);
    let choice = choices.byte();
    let messages: Vec<(Vec<u8>, Bytes)> = messages::read(choices.rest())
        .into_iter()
        .map(|message| (message.header, placed(&message.body, (choice % 16).into())))
        .collect();

    let mut outcome = Outcome::default();
    let mut decoder = decoder(None);
    let (mut taken, mut results) = (Vec::new(), Vec::new());
    for (header, body) in &messages {
        match decoder.decode(header, body.clone()) {
            Ok(decoded) => {
                check(&decoded, &decoder);
                match batch(&decoded) {
                    Some(batch) => outcome.took(format_args!("{}", batch.num_rows() == 0)),
                    None => outcome.noted(matches!(decoded, Decoded::Schema(_))),
                }
                taken.push((&header[..], body.clone()));
                results.push(decoded);
            }
            Err(error) => outcome.noted(error),
        }
    }
    check_again(&taken, &results);
    if let Some(schema) = decoder.schema() {
        check_projection(&taken, &results, schema.fields().len(), choice.into());
        let batches: Vec<&RecordBatch> = results.iter().filter_map(batch).filter(|batch| is_small(batch)).collect();
        check_encoded(&batches, schema.clone(), (choice / 16).into());
    }
    outcome
}

fn decoder(projection: Option<Vec<usize>>) -> Decoder {
    let options = IpcReadOptions::default();
    let options = match projection {
        Some(columns) => options.with_projection(columns),
        None => options,
    };
    Decoder::new(options, limits())
}

/// A body at any place in memory: types need alignment, which a frame does not give.
fn placed(body: &[u8], place: usize) -> Bytes {
    let mut bytes = BytesMut::with_capacity(place + body.len());
    bytes.put_bytes(0, place);
    bytes.extend_from_slice(body);
    bytes.freeze().slice(place..)
}

fn batch(decoded: &Decoded) -> Option<&RecordBatch> {
    match decoded {
        Decoded::RecordBatch(batch) => Some(batch),
        _ => None,
    }
}

/// What was taken is valid through and through.
fn check(decoded: &Decoded, decoder: &Decoder) {
    let schema = decoder.schema().expect("nothing is taken before the schema");
    match decoded {
        Decoded::Schema(of) => assert_eq!(of, schema),
        Decoded::Dictionary => {}
        Decoded::RecordBatch(batch) => {
            assert_eq!(&batch.schema(), schema);
            check_batch(batch);
        }
    }
}

/// A batch of a peer keeps all rules of Arrow.
pub(crate) fn check_batch(batch: &RecordBatch) {
    for (column, field) in batch.columns().iter().zip(batch.schema().fields()) {
        assert_eq!((column.len(), column.data_type()), (batch.num_rows(), field.data_type()));
        column.to_data().validate_full().unwrap_or_else(|error| panic!("{field}: {error}"));
    }
}

/// Messages that were refused are as if they had not come.
fn check_again(taken: &[(&[u8], Bytes)], results: &[Decoded]) {
    let mut decoder = decoder(None);
    for ((header, body), result) in taken.iter().zip(results) {
        let again = decoder.decode(header, body.clone()).expect("it was taken before");
        assert!(is_same(&again, result), "{again:?} in place of {result:?}");
    }
}

/// Columns that are left out change nothing about the others.
fn check_projection(taken: &[(&[u8], Bytes)], results: &[Decoded], columns: usize, choice: usize) {
    let projection: Vec<usize> = (0..columns).filter(|column| (choice >> (column % 8)) & 1 == 1).rev().collect();
    let mut decoder = decoder(Some(projection.clone()));
    for ((header, body), result) in taken.iter().zip(results) {
        let projected = decoder.decode(header, body.clone()).expect("fewer columns are no harder to read");
        if let Decoded::RecordBatch(batch) = result {
            let batch = batch.project(&projection).expect("the columns are there");
            assert!(is_same(&projected, &Decoded::RecordBatch(batch)), "{projected:?}");
        }
    }
}

/// What was taken goes out again, and comes back the same.
fn check_encoded(batches: &[&RecordBatch], schema: arrow_schema::SchemaRef, choice: usize) {
    let options = streams::options();
    // Under the ids that it came with, or with ids of their own.
    let ids = if choice < 8 { DictionaryIds::Counted } else { DictionaryIds::OfFields };
    let options = options[choice % options.len()].clone().with_dictionary_ids(ids);
    let mut encoder = Encoder::new(schema, options).expect("a schema that was taken");
    let mut messages = vec![encoder.schema_message()];
    for batch in batches {
        encoder.encode(batch, &mut messages).expect("a batch that was taken");
    }
    let mut decoder = Decoder::new(IpcReadOptions::default(), MessageLimits::default());
    let mut batches = batches.iter();
    for message in messages {
        match decoder.decode(&message.header, message.body_bytes()).expect("what is written is read") {
            Decoded::RecordBatch(batch) => assert_eq!(Some(&&batch), batches.next()),
            Decoded::Schema(_) | Decoded::Dictionary => {}
        }
    }
    assert_eq!(batches.next(), None);
}

fn is_same(one: &Decoded, other: &Decoded) -> bool {
    match (one, other) {
        (Decoded::RecordBatch(one), Decoded::RecordBatch(other)) if !is_small(one) => {
            (one.num_rows(), one.schema()) == (other.num_rows(), other.schema())
        }
        _ => one == other,
    }
}

fn is_small(batch: &RecordBatch) -> bool {
    fn rows(data: &ArrayData) -> usize {
        data.child_data().iter().map(rows).fold(data.len(), usize::max)
    }
    batch.columns().iter().all(|column| rows(&column.to_data()) <= COMPARED_ROWS)
}
