//! `assembly`: the messages of an upload, which come in frames cut anywhere, through the reader of a stream.

use std::sync::OnceLock;

use arrow_array::RecordBatch;
use bytes::{Buf, Bytes};
use peregrine::ipc::{Decoded, Decoder, Encoder, IpcReadOptions, IpcWriteOptions};
use peregrine::proto::{ActionResult, FlightData, FlightDescriptor, FlightError, FlightMessage, MessageLimits};
use peregrine::stream::{FlightStreamReader, MessageStream, ReadConfig};
use peregrine::transport::{MESSAGE_PREFIX_LENGTH, frame_message};
use peregrine_testkit::batches;
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

use crate::choices::{Choices, pieces};
use crate::in_memory::{InMemory, at_once};
use crate::{Outcome, Target, ipc_decoder, mutate, streams};

pub(crate) const TARGET: Target = Target { name: "assembly", seeds, run, mutate: change };

/// The choice that puts a large stream before the input's: bodies of 1 MiB may stay in their frames.
const LARGE: u8 = 1;

/// A body up to this size is also read in frames of one byte, whatever the input's cuts are: longer ones take too long.
const IN_SINGLE_BYTES: usize = 1 << 10;

/// What a reader gave.
#[derive(Debug, Default, PartialEq)]
struct Read {
    descriptor: Option<FlightDescriptor>,
    chunks: Vec<(Option<RecordBatch>, Option<Bytes>)>,
    /// The error that ended it.
    error: Option<String>,
}

fn seeds() -> Vec<Vec<u8>> {
    let streams = streams::all().iter().step_by(7).zip(0_u8..);
    let inputs = streams.map(|(stream, number)| {
        let messages = stream.iter().zip(0..).map(|(message, place)| FlightData {
            flight_descriptor: (place == 0).then(|| FlightDescriptor::for_path(["a"])),
            data_header: message.header.clone(),
            app_metadata: if number % 2 == 0 { "page".into() } else { Bytes::new() },
            data_body: message.body_bytes(),
        });
        let alone = FlightData { app_metadata: "alone".into(), ..FlightData::default() };
        let cuts: &[u8] = [&[0][..], &[1, 100], &[2, 1, 255], &[3, 5, 0, 40]][usize::from(number % 4)];
        [&[number % 16 * 2], cuts, &messages.chain([alone]).flat_map(framed).collect::<Vec<_>>()].concat()
    });
    let large = [LARGE, 2, 255, 3];
    inputs.chain([large.to_vec()]).collect()
}

/// A message with its prefix.
fn framed(message: FlightData) -> Bytes {
    let mut rope = frame_message(message.serialize()).expect("a small message");
    let length = rope.len();
    rope.copy_to_bytes(length)
}

/// A schema and a batch whose body is large.
fn large() -> &'static Bytes {
    static STREAM: OnceLock<Bytes> = OnceLock::new();
    STREAM.get_or_init(|| {
        let batch = batches::int64(34_000);
        let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default()).expect("a valid schema");
        let mut messages = vec![encoder.schema_message()];
        encoder.encode(&batch, &mut messages).expect("a valid batch");
        let data = messages.into_iter().map(|message| FlightData {
            data_header: message.header.clone(),
            data_body: message.body_bytes(),
            ..FlightData::default()
        });
        data.flat_map(framed).collect::<Vec<_>>().into()
    })
}

/// The choices at the front of an input, and the frames behind them.
fn split(input: &[u8]) -> (u8, &[u8], &[u8]) {
    let mut choices = Choices::new(input);
    (choices.byte(), choices.cuts(), choices.rest())
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    if random.random_bool(0.5) {
        let tokens: &[&[u8]] =
            &[&[0, 0, 0, 0, 0], &[0, 0, 0, 0, 2], &[1, 0, 0, 0, 1], b"\xc2\x3e", b"\x1a\x01a", b"\x12"];
        return mutate::bytes(input, other, tokens, random);
    }
    let (choice, _, body) = split(input);
    let mut messages: Vec<Vec<u8>> = whole_messages(body).map(<[u8]>::to_vec).collect();
    let others: Vec<&[u8]> = whole_messages(split(other).2).collect();
    let place = random.random_range(0..=messages.len());
    match random.random_range(0..4) {
        0 if place < messages.len() => drop(messages.remove(place)),
        1 if place < messages.len() => messages.swap(place, 0),
        2 if place < messages.len() => {
            mutate::bytes(&mut messages[place], others.first().unwrap_or(&&b""[..]), &[], random)
        }
        _ => messages.insert(place, others.choose(random).map_or_else(Vec::new, |message| message.to_vec())),
    }
    let cuts: Vec<u8> =
        (0..random.random_range(0..8)).map(|_| random.random::<u8>() >> random.random_range(0..8)).collect();
    *input = [&[choice, cuts.len() as u8], &cuts[..]].concat();
    for message in messages {
        input.extend([&[0][..], &(message.len() as u32).to_be_bytes(), &message].concat());
    }
    input.truncate(mutate::LONGEST);
}

/// The messages at the front of a body, without their prefixes, as far as they are whole and not compressed.
fn whole_messages(mut body: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&[flag, a, b, c, d], rest) = body.split_first_chunk()?;
        let (message, rest) = rest.split_at_checked(u32::from_be_bytes([a, b, c, d]) as usize)?;
        body = rest;
        (flag == 0).then_some(message)
    })
}

/// Whether a body is whole messages and nothing else.
fn ends_with_a_message(body: &[u8]) -> bool {
    whole_messages(body).map(|message| MESSAGE_PREFIX_LENGTH + message.len()).sum::<usize>() == body.len()
}

fn limits() -> MessageLimits {
    MessageLimits { message: 2 << 20, call_message: 1 << 10, ..ipc_decoder::limits() }
}

fn run(input: &[u8]) -> Outcome {
    let (choice, cuts, body) = split(input);
    let body: Bytes = match choice & LARGE {
        0 => Bytes::copy_from_slice(body),
        _ => [large(), body].concat().into(),
    };
    // Pieces lie anywhere in memory, as those of frames do.
    let cut = |cuts: &[u8]| pieces(&body, cuts).map(|piece| body.slice_ref(piece)).collect::<Vec<_>>();
    let ways = match choice & LARGE {
        0 if body.len() <= IN_SINGLE_BYTES => vec![cut(cuts), cut(&[1])],
        0 => vec![cut(cuts)],
        // A large stream in small pieces would take too long.
        _ => vec![body.chunks(300_001).map(Bytes::copy_from_slice).collect()],
    };
    let whole = read(vec![body.clone()], choice);
    check(&whole, &body);
    let results = read_results(vec![body.clone()]);
    check_results(&results, &body);
    for frames in ways {
        assert_eq!(read(frames.clone(), choice), whole, "however it is cut");
        assert_eq!(read_results(frames), results, "however it is cut");
    }
    let mut outcome = Outcome::default();
    for (batch, metadata) in &whole.chunks {
        outcome.took(format_args!("{} {}", batch.is_some(), metadata.is_some()));
    }
    match &whole.error {
        Some(error) => outcome.noted(error),
        None => outcome.noted("the end"),
    }
    outcome
}

/// What was read is what its messages hold, one by one, up to the first that is wrong.
fn check(read: &Read, body: &[u8]) {
    let mut decoder = Decoder::new(IpcReadOptions::default(), limits());
    let mut chunks = read.chunks.iter();
    for message in whole_messages(body) {
        match expected(message, &mut decoder) {
            Ok(None) => {}
            Ok(Some(chunk)) => match chunks.next() {
                Some(read) => assert_eq!(*read, chunk),
                // More was kept before the schema than may be.
                None => return assert!(read.error.is_some(), "{chunk:?} is missing"),
            },
            Err(_) => {
                assert!(read.error.is_some(), "an error is missing");
                break;
            }
        }
    }
    assert_eq!(chunks.next(), None);
    assert!(read.error.is_some() || ends_with_a_message(body), "a message is not complete, and an error is missing");
    read.chunks.iter().filter_map(|(batch, _)| batch.as_ref()).for_each(ipc_decoder::check_batch);
}

type Chunk = (Option<RecordBatch>, Option<Bytes>);

fn expected(message: &[u8], decoder: &mut Decoder) -> Result<Option<Chunk>, FlightError> {
    let data = FlightData::deserialize(Bytes::copy_from_slice(message))?;
    let metadata = Some(data.app_metadata).filter(|metadata| !metadata.is_empty());
    if data.data_header.is_empty() {
        return Ok(metadata.map(|metadata| (None, Some(metadata))));
    }
    Ok(match decoder.decode(&data.data_header, data.data_body)? {
        Decoded::RecordBatch(batch) => Some((Some(batch), metadata)),
        Decoded::Schema(_) | Decoded::Dictionary => None,
    })
}

/// Reads an upload that comes in these frames.
fn read(frames: Vec<Bytes>, choice: u8) -> Read {
    let config = ReadConfig { limits: limits(), ..ReadConfig::default() };
    let mut reader = FlightStreamReader::new(InMemory::new(frames), config);
    assert!(reader.token().is_none(), "there is no call");
    let mut read = Read::default();
    let result = at_once(read_stream(&mut reader, &mut read, choice));
    read.error = result.err().map(|error| error.to_string());
    read.descriptor = reader.descriptor().cloned();
    read
}

async fn read_stream(reader: &mut FlightStreamReader, read: &mut Read, choice: u8) -> Result<(), FlightError> {
    if choice & 2 != 0 {
        reader.read_descriptor().await?;
    }
    if choice & 4 != 0 {
        reader.schema().await?;
    }
    let result = loop {
        match reader.read_chunk().await {
            Ok(Some(chunk)) => read.chunks.push((chunk.data, chunk.app_metadata)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert_eq!(reader.read_chunk().await.expect("after the end comes nothing"), None);
    result
}

/// The same frames as those of messages that are not data: what a result of an action holds is where FlightData has its
/// descriptor.
fn read_results(frames: Vec<Bytes>) -> (Vec<ActionResult>, Option<String>) {
    let mut stream = MessageStream::from_messages(InMemory::new(frames));
    let mut results = Vec::new();
    let error = at_once(async {
        let error = loop {
            match stream.read_next().await {
                Ok(Some(result)) => results.push(result),
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        assert_eq!(stream.read_next().await.expect("after the end comes nothing"), None);
        error
    });
    (results, error)
}

/// The results are those of the messages, one by one, up to the first that is wrong.
fn check_results((results, error): &(Vec<ActionResult>, Option<String>), body: &[u8]) {
    let mut read = results.iter();
    for message in whole_messages(body) {
        match ActionResult::deserialize(Bytes::copy_from_slice(message)) {
            Ok(result) => assert_eq!(read.next(), Some(&result)),
            Err(_) => {
                assert!(error.is_some(), "an error is missing");
                return assert_eq!(read.next(), None);
            }
        }
    }
    assert_eq!(read.next(), None);
    assert_eq!(error.is_none(), ends_with_a_message(body), "{error:?}");
}
