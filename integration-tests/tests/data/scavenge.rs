//! Messages out of bytes of any kind.

use arrow_ipc::{Block, root_as_footer, root_as_message};
use bytes::Bytes;

use crate::messages::{MAGIC, Message};

const MARK: u32 = u32::MAX;

/// Any byte may begin a message that holds all bytes behind it: what is found has no more bytes than this, and the
/// last message.
const MOST_BYTES: usize = 32 << 20;

/// As many messages as can be found in bytes of any kind: those of a stream, with marks or from before them, and those
/// that the footer of a file names. Where a message cannot be, the next mark begins another.
pub(crate) fn scavenge(bytes: &Bytes) -> Vec<Message> {
    let mut rest = bytes.slice(if bytes.starts_with(MAGIC) { bytes.len().min(8) } else { 0 }..);
    let mut found = Found { is_marked: word(&rest, 0) == Some(MARK), left: MOST_BYTES, messages: Vec::new() };
    while !rest.is_empty() && found.left > 0 {
        rest = match found.take(&rest) {
            Some(behind) => behind,
            None => rest.slice((1..rest.len()).find(|&at| word(&rest, at) == Some(MARK)).unwrap_or(rest.len())..),
        };
    }
    found.take_blocks(bytes);
    found.messages
}

struct Found {
    /// Whether a length without a mark before it is none.
    is_marked: bool,
    left: usize,
    messages: Vec<Message>,
}

impl Found {
    /// Takes what stands at the front, and gives what is behind it; `None` if it could not be told where it ends.
    fn take(&mut self, bytes: &Bytes) -> Option<Bytes> {
        let (prefix, length) = match (word(bytes, 0), word(bytes, 4)) {
            (Some(MARK), Some(length)) => (8, length as usize),
            (Some(_), _) if self.is_marked => return None,
            (Some(length), _) => (4, length as usize),
            (None, _) => (bytes.len(), 0),
        };
        let after = bytes.slice(prefix..);
        if length == 0 {
            return Some(after);
        }
        let header = after.slice(..length.min(after.len()));
        let behind = after.slice(header.len()..);
        let stated = root_as_message(&header).ok().and_then(|message| usize::try_from(message.bodyLength()).ok());
        let body = behind.slice(..stated.unwrap_or(usize::MAX).min(behind.len()));
        self.left = self.left.saturating_sub(header.len() + body.len());
        self.messages.push((header, body));
        stated.filter(|stated| *stated <= behind.len()).map(|stated| behind.slice(stated..))
    }

    /// Takes what the footer of a file names, if it has one.
    fn take_blocks(&mut self, bytes: &Bytes) {
        let Some(footer) = footer(bytes).and_then(|footer| root_as_footer(footer).ok()) else { return };
        let blocks: Vec<&Block> = footer.dictionaries().into_iter().chain(footer.recordBatches()).flatten().collect();
        let starts = blocks.iter().filter_map(|block| usize::try_from(block.offset()).ok());
        for start in starts.filter(|start| *start <= bytes.len()) {
            if self.left > 0 {
                self.take(&bytes.slice(start..));
            }
        }
    }
}

fn footer(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.strip_suffix(MAGIC)?.len().checked_sub(4)?;
    bytes.get(end.checked_sub(word(bytes, end)? as usize)?..end)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

mod tests {
    use arrow_array::RecordBatch;
    use arrow_ipc::writer::{FileWriter, StreamWriter};
    use peregrine::ipc::Decoded;
    use peregrine_testkit::batches;

    use super::*;
    use crate::messages::decoder;

    fn stream(batches: &[RecordBatch]) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.into_inner().unwrap()
    }

    /// The rows of the batches that are found.
    fn rows(bytes: Vec<u8>) -> Vec<usize> {
        let mut decoder = decoder();
        let decoded = scavenge(&bytes.into()).into_iter().map(|(header, body)| decoder.decode(&header, body));
        let rows = decoded.filter_map(|decoded| match decoded {
            Ok(Decoded::RecordBatch(batch)) => Some(batch.num_rows()),
            _ => None,
        });
        rows.collect()
    }

    #[test]
    fn hostile_streams_give_all_messages_but_those_that_are_broken() {
        let three = [batches::int64(1), batches::int64(2), batches::int64(3)];
        let whole = stream(&three);
        assert_eq!(rows(whole.clone()), [1, 2, 3]);
        assert_eq!(
            rows(whole[..whole.len() - 16].to_vec()),
            [1, 2],
            "a body that ends early is one of a broken message"
        );
        let messages = scavenge(&whole.clone().into());
        let start = |index| messages[..index].iter().map(|(header, body)| 8 + header.len() + body.len()).sum::<usize>();
        for (broken, expected) in [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])] {
            // The length of its header, and then what the header says first.
            for (at, byte) in [(start(broken) + 7, 0x7f), (start(broken) + 8, 0xf0)] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                assert_eq!(rows(bytes), expected);
            }
        }
    }

    #[test]
    fn hostile_files_give_their_stream_and_the_blocks_of_their_footer() {
        let batch = batches::int64(5);
        let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        let file = writer.into_inner().unwrap();
        assert_eq!(rows(file.clone()), [5, 5]);
        assert_eq!(rows(file[..file.len() - 1].to_vec()), [5]);
    }

    #[test]
    fn hostile_bytes_of_every_length_end() {
        for byte in [0, 1, 0x10, 0xff] {
            (0..40).for_each(|length| drop(scavenge(&vec![byte; length].into())));
        }
        let many = scavenge(&vec![0xff; 1 << 20].into());
        assert!(many.len() < 40, "{} messages that have all bytes behind them", many.len());
    }
}
