//! The two decoders, each as its client drives it, and both with full validation.

use arrow_array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use futures_util::{FutureExt, StreamExt, stream};
use peregrine::ipc::{Decoded, Decoder, IpcReadOptions, MessageLimits};

use crate::stream::{Message, Stream};

/// Ours.
pub(crate) struct Peregrine<'a> {
    decoder: Decoder,
    stream: &'a Stream,
}

impl<'a> Peregrine<'a> {
    pub(crate) fn new(stream: &'a Stream) -> Self {
        let mut decoder = Decoder::new(IpcReadOptions::default(), MessageLimits::default());
        for message in &stream.head {
            decoder.decode(&message.header, message.body.clone()).unwrap();
        }
        Self { decoder, stream }
    }

    pub(crate) fn next(&mut self) -> RecordBatch {
        let mut decoded = None;
        for message in &self.stream.again {
            decoded = Some(self.decoder.decode(&message.header, message.body.clone()).unwrap());
        }
        match decoded {
            Some(Decoded::RecordBatch(batch)) => batch,
            other => panic!("no batch but {other:?}"),
        }
    }
}

/// What arrow-flight's `FlightClient` hands out, over messages that are there at once.
pub(crate) struct ArrowFlight {
    stream: FlightRecordBatchStream,
}

impl ArrowFlight {
    pub(crate) fn new(stream: &Stream) -> Self {
        let head: Vec<FlightData> = stream.head.iter().map(flight_data).collect();
        let again: Vec<FlightData> = stream.again.iter().map(flight_data).collect();
        let endless = (0..).map(move |index: usize| again[index % again.len()].clone());
        let messages = stream::iter(head.into_iter().chain(endless).map(Ok));
        Self { stream: FlightRecordBatchStream::new_from_flight_data(messages) }
    }

    pub(crate) fn next(&mut self) -> RecordBatch {
        self.stream.next().now_or_never().flatten().unwrap().unwrap()
    }
}

fn flight_data(message: &Message) -> FlightData {
    FlightData::new().with_data_header(message.header.clone()).with_data_body(message.body.clone())
}
