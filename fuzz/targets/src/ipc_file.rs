//! `ipc_file`: the footer of an IPC file, the messages where it says that they are, and the decoder on them.

use std::ops::Range;

use arrow_ipc::writer::FileWriter;
use bytes::Bytes;
use peregrine::ipc::{Decoded, Decoder, FileFooter, IpcReadOptions, MessageLimits};
use peregrine::proto::decode_schema_header;
use rand::Rng;
use rand::rngs::SmallRng;

use crate::{Outcome, Target, ipc_decoder, messages, mutate, streams};

pub(crate) const TARGET: Target = Target { name: "ipc_file", seeds, run, mutate: change };

const MAGIC: &[u8] = b"ARROW1";
/// The length of the footer, and the magic.
const TRAILER: usize = 4 + MAGIC.len();

fn seeds() -> Vec<Vec<u8>> {
    let files = streams::tables().into_iter().filter_map(|batches| {
        let mut writer = FileWriter::try_new(Vec::new(), &batches[0].schema()).ok()?;
        // A file has each dictionary once.
        writer.write(&batches[0]).ok()?;
        writer.into_inner().ok()
    });
    files.collect()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    match footer(input) {
        Some(range) if random.random_ratio(1, 2) => {
            messages::change_header(&mut input[range.clone()], range.start, random)
        }
        // Messages keep their places, or the footer would lead to none of them.
        Some(range) if random.random_ratio(3, 4) => messages::change_number(&mut input[..range.start], random),
        _ => mutate::bytes(input, other, &[MAGIC], random),
    }
}

/// Where the footer of a file is, if that can be told.
fn footer(file: &[u8]) -> Option<Range<usize>> {
    let end = file.len().checked_sub(TRAILER)?;
    let length = u32::from_le_bytes(*file[end..].first_chunk()?);
    Some(end.checked_sub(length as usize)?..end)
}

fn run(input: &[u8]) -> Outcome {
    let limits = MessageLimits { message: 1 << 14, ..ipc_decoder::limits() };
    let file = Bytes::copy_from_slice(input);
    let mut outcome = Outcome::default();
    match FileFooter::of_file(&file, &limits) {
        Ok(footer) => {
            outcome.noted(format_args!(
                "{} {}",
                !footer.dictionaries().is_empty(),
                footer.record_batches().len().min(2)
            ));
            check(&footer, &file, &limits, &mut outcome);
        }
        Err(error) => outcome.noted(error),
    }
    outcome
}

fn check(footer: &FileFooter, file: &Bytes, limits: &MessageLimits, outcome: &mut Outcome) {
    let schema = decode_schema_header(footer.schema_header(), limits).expect("the footer was read");
    assert_eq!(schema, **footer.schema());
    let mut bytes = 0;
    let mut decoder = Decoder::new(IpcReadOptions::default(), limits.clone());
    match decoder.decode(footer.schema_header(), Bytes::new()) {
        Ok(decoded) => assert_eq!(decoded, Decoded::Schema(footer.schema().clone())),
        // A decoder has rules of its own.
        Err(error) => outcome.noted(error),
    }
    for block in footer.blocks() {
        let part = |range: Range<u64>| file.slice(range.start as usize..range.end as usize);
        bytes += block.length();
        let message = match block.message(&part(block.header()), part(block.body()), limits) {
            Ok(message) => message,
            Err(error) => {
                outcome.noted(error);
                continue;
            }
        };
        match decoder.decode(&message.header, message.body) {
            Ok(Decoded::RecordBatch(batch)) => {
                ipc_decoder::check_batch(&batch);
                outcome.took("batch");
            }
            Ok(_) => outcome.noted("dictionary"),
            Err(error) => outcome.noted(error),
        }
    }
    assert!(bytes <= file.len(), "messages lie apart");
}
