//! A million one-byte changes of valid messages of every type: each ends in an error or in valid arrays. A panic or
//! an abort fails the test by itself.

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use peregrine::ipc::{CompressionCodec, Decoded, Decoder, IpcReadOptions, IpcWriteOptions, MessageLimits};
use peregrine_testkit::random;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::framing::{Message, encode, parts};
use crate::{growing, versions};

const ROWS: usize = 12;

/// A stream of a schema, dictionaries and batches, and the decoder that has read the start of it.
struct Stream {
    messages: Vec<Message>,
    decoder: Decoder,
}

impl Stream {
    fn new(batches: &[RecordBatch], options: IpcWriteOptions) -> Self {
        let mut stream = Self { messages: parts(&encode(batches, options)), decoder: new_decoder() };
        stream.restart();
        stream
    }

    fn restart(&mut self) {
        self.decoder = new_decoder();
        self.decode_from(0);
    }

    fn decode_from(&mut self, first: usize) {
        for (header, body) in &self.messages[first..] {
            self.decoder.decode(header, body.clone()).expect("what was not changed is valid");
        }
    }

    /// Changes one byte of one message and decodes it, and the batch after it.
    fn mutate(&mut self, random: &mut StdRng) -> bool {
        let last = self.messages.len() - 1;
        // Schemas have other tests too, and cost more.
        let index = if random.random_ratio(1, 20) { 0 } else { random.random_range(last.min(1)..=last) };
        let (header, body) = changed(&self.messages[index], random);
        if index == 0 {
            self.decoder = new_decoder();
        }
        let accepted = accept(&mut self.decoder, &header, body);
        if index < last {
            for (header, body) in &self.messages[index + 1..] {
                accept(&mut self.decoder, header, body.clone());
            }
            if index == 0 { self.restart() } else { self.decode_from(1) }
        }
        accepted
    }
}

fn new_decoder() -> Decoder {
    // Small limits, so that what gets past them by mistake would show as time.
    let limits = MessageLimits { dictionaries: 1 << 20, decompressed_buffer: 1 << 20, ..MessageLimits::default() };
    Decoder::new(IpcReadOptions::default(), limits)
}

fn changed((header, body): &Message, random: &mut StdRng) -> Message {
    let (mut header, mut body) = (header.to_vec(), body.to_vec());
    let in_body = !body.is_empty() && random.random_bool(0.4);
    let bytes = if in_body { &mut body } else { &mut header };
    let place = random.random_range(0..bytes.len());
    // Single bits, small steps and extremes break other things than noise does.
    bytes[place] = match random.random_range(0..4) {
        0 => bytes[place] ^ (1 << random.random_range(0..8)),
        1 => bytes[place].wrapping_add(random.random_range(1..4)),
        2 => [0, 0x7f, 0x80, 0xff][random.random_range(0..4)],
        _ => random.random(),
    };
    (header.into(), body.into())
}

/// Whether the message was taken. A batch that was taken must be valid through and through.
fn accept(decoder: &mut Decoder, header: &[u8], body: Bytes) -> bool {
    match decoder.decode(header, body) {
        Ok(Decoded::RecordBatch(batch)) => {
            batch.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
            true
        }
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn mutate(streams: Vec<Stream>, mutations: usize, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let each = mutations.div_ceil(streams.len());
    let mut taken = 0;
    for mut stream in streams {
        taken += (0..each).filter(|_| stream.mutate(&mut random)).count();
    }
    // Some changes are harmless (values, padding); most are found.
    assert!(taken > 0 && taken < mutations, "{taken} of {mutations} taken");
}

/// A stream of one batch for each type and each way to write it.
fn streams(types: &[DataType], options: &[IpcWriteOptions]) -> Vec<Stream> {
    let batch = |data_type: &DataType| random::batch(std::slice::from_ref(data_type), ROWS, 3);
    types.iter().flat_map(|t| options.iter().map(move |o| Stream::new(&[batch(t)], o.clone()))).collect()
}

fn codecs(options: &IpcWriteOptions) -> [IpcWriteOptions; 2] {
    [CompressionCodec::Lz4, CompressionCodec::Zstd].map(|codec| options.clone().with_compression(codec))
}

#[test]
fn changes_of_flat_types() {
    mutate(streams(&random::flat_types(), &[IpcWriteOptions::default()]), 400_000, 1);
}

#[test]
fn changes_of_nested_types() {
    mutate(streams(&random::nested_types(), &[IpcWriteOptions::default()]), 400_000, 2);
}

#[test]
fn changes_of_compressed_bodies() {
    mutate(streams(&random::all_types(), &codecs(&IpcWriteOptions::default())), 200_000, 3);
}

#[test]
fn changes_of_version_4() {
    mutate(streams(&versions::changed_types(), &[versions::v4()]), 100_000, 4);
    mutate(streams(&versions::changed_types(), &codecs(&versions::v4())), 20_000, 5);
}

#[test]
fn changes_of_deltas() {
    let options = IpcWriteOptions::default().with_dictionary_deltas(true);
    let streams = growing::value_types().filter(growing::may_grow).map(|values| {
        let values = random::array(&values, ROWS, true, 3);
        let batches = [5, ROWS].map(|count| growing::batch(values.slice(0, count)));
        Stream::new(&batches, options.clone())
    });
    mutate(streams.collect(), 100_000, 6);
}
