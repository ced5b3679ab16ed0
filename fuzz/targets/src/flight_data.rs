//! `flight_data`: the reader of a FlightData message, fed in pieces as the reader of a stream feeds it.

use bytes::{Bytes, BytesMut};
use peregrine::proto::{
    FlightData, FlightDataProgress, FlightDataReader, FlightDescriptor, FlightError, FlightErrorKind, FlightMessage,
    MessageLimits,
};
use rand::rngs::SmallRng;

use crate::choices::{Choices, pieces};
use crate::{Outcome, Target, mutate};

pub(crate) const TARGET: Target = Target { name: "flight_data", seeds, run, mutate: change };

const TOKENS: &[&[u8]] = &[
    b"\x0a",
    b"\x12",
    b"\x1a",
    b"\xc2\x3e",
    b"\x08\x01",
    b"\x08\x02",
    b"\x08\x03",
    b"\x20\x01",
    b"\x29",
    b"\x2d",
    b"\x33",
    b"\x80\x01",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
];

fn seeds() -> Vec<Vec<u8>> {
    let descriptors =
        [None, Some(FlightDescriptor::for_path(["a", "ö"])), Some(FlightDescriptor::for_command(&b"select 1"[..]))];
    let messages = descriptors.into_iter().flat_map(|flight_descriptor| {
        let data = FlightData { flight_descriptor, ..FlightData::default() };
        let header = FlightData { data_header: vec![1; 40].into(), ..data.clone() };
        let whole = FlightData { data_body: vec![2; 64].into(), app_metadata: "page 1".into(), ..header.clone() };
        [data, header, whole].map(|data| data.serialize().to_vec())
    });
    let odd = [
        // The body before the rest, and fields of a later version of the protocol.
        b"\xc2\x3e\x03abc\x12\x04head\x1a\x02me".to_vec(),
        b"\x20\x96\x01\x12\x04head\x29\0\0\0\0\0\0\0\0\x35\0\0\0\0\x3a\x02no".to_vec(),
    ];
    let messages = messages.chain(odd);
    messages.flat_map(|message| [&[0][..], &[1, 1], &[3, 2, 0, 5]].map(|cuts| [cuts, &message].concat())).collect()
}

fn change(input: &mut Vec<u8>, other: &[u8], random: &mut SmallRng) {
    mutate::bytes(input, other, TOKENS, random);
}

fn run(input: &[u8]) -> Outcome {
    let mut choices = Choices::new(input);
    let cuts = choices.cuts();
    let message = choices.rest();
    let limits = MessageLimits { message: 4 << 10, header: 200, ..MessageLimits::default() };
    let whole = read(message, &[], &limits);
    assert_same(&whole, &read(message, cuts, &limits));
    let mut outcome = Outcome::default();
    match whole {
        Ok(data) => {
            assert!(message.len() <= limits.message && data.data_header.len() <= limits.header);
            let unlimited = FlightData::deserialize(Bytes::copy_from_slice(message));
            assert_eq!(unlimited.expect("limits only refuse"), data);
            let written = data.serialize();
            assert!(written.len() <= message.len(), "what was read is no longer than what came");
            assert_eq!(FlightData::deserialize(written).expect("what is written is read"), data);
            let FlightData { flight_descriptor, data_header, app_metadata, data_body } = &data;
            let has =
                [flight_descriptor.is_some(), !data_header.is_empty(), !app_metadata.is_empty(), !data_body.is_empty()];
            outcome.took(format_args!("{has:?}"));
        }
        Err(error) => {
            use FlightErrorKind::{InvalidArgument, ResourceExhausted};
            assert!(matches!(error.kind(), InvalidArgument | ResourceExhausted), "{error}");
            outcome.noted(error);
        }
    }
    outcome
}

fn assert_same(whole: &Result<FlightData, FlightError>, cut: &Result<FlightData, FlightError>) {
    match (whole, cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut),
        (Err(whole), Err(cut)) => assert_eq!((whole.kind(), whole.message()), (cut.kind(), cut.message())),
        _ => panic!("whole: {whole:?}, cut: {cut:?}"),
    }
}

/// Reads a message that comes in pieces.
fn read(message: &[u8], cuts: &[u8], limits: &MessageLimits) -> Result<FlightData, FlightError> {
    let mut reader = FlightDataReader::new(message.len(), limits);
    let (mut body, mut missing) = (BytesMut::new(), 0);
    for piece in pieces(message, cuts) {
        let mut chunk = Bytes::copy_from_slice(piece);
        loop {
            let taken = chunk.split_to(chunk.len().min(missing));
            missing -= taken.len();
            body.extend_from_slice(&taken);
            if missing > 0 {
                break;
            }
            match reader.read(&mut chunk)? {
                FlightDataProgress::Body { length } => {
                    assert!(length > 0 && length <= message.len(), "a body of {length} bytes");
                    missing = length;
                }
                FlightDataProgress::NeedMore => {
                    assert!(chunk.is_empty(), "nothing is left of a chunk that was not enough");
                    break;
                }
                FlightDataProgress::Done => {
                    assert!(chunk.is_empty(), "a message is read to its end");
                    break;
                }
            }
        }
    }
    assert_eq!(missing, 0, "a body lies within its message");
    let parts = reader.finish()?;
    Ok(FlightData {
        flight_descriptor: parts.flight_descriptor,
        data_header: parts.data_header,
        app_metadata: parts.app_metadata,
        data_body: body.freeze(),
    })
}
