//! `ipc_stream`: messages out of the bytes of an IPC stream, which come in pieces, and through the decoder.

use bytes::Bytes;
use peregrine::ipc::{Decoded, Decoder, Error, IpcMessage, IpcReadOptions, MessageLimits, StreamMessages};
use rand::Rng;
use rand::rngs::SmallRng;

use crate::choices::{Choices, pieces};
use crate::messages::{self, Message};
use crate::{Outcome, Target, ipc_decoder, mutate, streams};

pub(crate) const TARGET: Target = Target { name: "ipc_stream", seeds, run, mutate: change };

const CONTINUATION: [u8; 4] = [0xff; 4];

/// What a reader gave: messages, and what is wrong behind them.
type ReadStream = (Vec<IpcMessage>, Option<String>);

fn seeds() -> Vec<Vec<u8>> {
    let streams = streams::all().iter().step_by(5).zip(0_u8..);
    let inputs = streams.map(|(stream, number)| {
        let cuts: &[u8] = [&[0][..], &[1, 100], &[2, 1, 255], &[3, 5, 0, 40]][usize::from(number % 4)];
        let messages: Vec<_> = stream.iter().map(Message::of).collect();
        // As before Arrow 0.15, and since.
        let (mark, end): (&[u8], &[u8]) =
            if number % 3 == 0 { (&[], &[0; 4]) } else { (&CONTINUATION, &[255, 255, 255, 255, 0, 0, 0, 0]) };
        [cuts, &framed(&messages, mark), end].concat()
    });
    inputs.collect()
}

/// Messages behind their marks and lengths.
fn framed(messages: &[Message], mark: &[u8]) -> Vec<u8> {
    let frame = |message: &Message| {
        [mark, &(message.header.len() as u32).to_le_bytes(), &message.header, &message.body].concat()
    };
    messages.iter().flat_map(frame).collect()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    if random.random_bool(0.4) {
        return mutate::bytes(input, other, &[&CONTINUATION, &[0; 4], &[16, 0, 0, 0]], random);
    }
    let mut choices = Choices::new(input);
    let cuts = choices.cuts().to_vec();
    let messages_of = |bytes| {
        let messages = read(bytes, &[], &MessageLimits::default()).0;
        messages
            .into_iter()
            .map(|message| Message { header: message.header.into(), body: message.body.into() })
            .collect()
    };
    let mut messages: Vec<Message> = messages_of(choices.rest());
    let mut others = Choices::new(other);
    others.cuts();
    let others: Vec<Message> = messages_of(others.rest());
    messages::change(&mut messages, &others, random);
    let mark = if random.random_ratio(1, 8) { &[][..] } else { &CONTINUATION };
    *input = [&[cuts.len() as u8], &cuts[..], &framed(&messages, mark)].concat();
    input.truncate(mutate::LONGEST);
}

fn run(input: &[u8]) -> Outcome {
    let mut choices = Choices::new(input);
    let cuts = choices.cuts();
    let bytes = choices.rest();
    let limits = MessageLimits { message: 1 << 14, ..ipc_decoder::limits() };
    let whole = read(bytes, &[], &limits);
    assert_eq!(read(bytes, cuts, &limits), whole, "however it is cut");
    let (messages, error) = whole;
    let taken: usize = messages.iter().map(|message| message.header.len() + message.body.len()).sum();
    assert!(taken <= bytes.len(), "no more comes out than went in");
    let again: Vec<_> = messages
        .iter()
        .map(|message| Message { header: message.header.to_vec(), body: message.body.to_vec() })
        .collect();
    assert_eq!(read(&framed(&again, &CONTINUATION), &[], &limits), (messages.clone(), None), "what is written is read");

    let mut outcome = Outcome::default();
    let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
    for IpcMessage { header, body } in &messages {
        assert!(header.len() <= limits.header && header.len() + body.len() <= limits.message);
        match decoder.decode(header, body.clone()) {
            Ok(Decoded::RecordBatch(batch)) => {
                ipc_decoder::check_batch(&batch);
                outcome.took("batch");
            }
            Ok(_) => outcome.noted("no batch"),
            Err(error) => outcome.noted(error),
        }
    }
    error.iter().for_each(|error| outcome.noted(error));
    outcome
}

fn read(bytes: &[u8], cuts: &[u8], limits: &MessageLimits) -> ReadStream {
    let mut reader = StreamMessages::new(limits.clone());
    let mut messages = Vec::new();
    for piece in pieces(bytes, cuts) {
        let mut piece = Bytes::copy_from_slice(piece);
        loop {
            match reader.read(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(told(&reader, &error))),
            }
        }
        assert!(piece.is_empty() || reader.is_over(), "a reader that goes on takes all there is");
    }
    (messages, reader.finish().err().map(|error| error.to_string()))
}

/// An error, which ends the stream.
fn told(reader: &StreamMessages, error: &Error) -> String {
    assert!(reader.is_over() && reader.missing().is_none() && reader.finish().is_ok());
    error.to_string()
}
