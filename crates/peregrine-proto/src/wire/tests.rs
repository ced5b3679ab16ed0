//! The layout of `FlightData`, against prost's and by hand, cut anywhere.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng};

use super::*;
use crate::descriptor::FlightDescriptor;
use crate::error::{FlightError, FlightErrorKind};
use crate::generated::flight;
use crate::limits::MessageLimits;
use crate::message::{FlightMessage, Generated};

/// Reads a message that comes in chunks of these lengths, over and over; `&[]` means whole.
fn read_cut(mut bytes: Bytes, cuts: &[usize], limits: &MessageLimits) -> Result<FlightData, FlightError> {
    let mut reader = FlightDataReader::new(bytes.len(), limits);
    let mut cuts = cuts.iter().copied().cycle();
    let mut body = BytesMut::new();
    let mut body_left = 0;
    loop {
        let mut chunk = bytes.split_to(cuts.next().unwrap_or(usize::MAX).min(bytes.len()));
        loop {
            let taken = chunk.split_to(body_left.min(chunk.len()));
            body_left -= taken.len();
            body.put_slice(&taken);
            if body_left > 0 {
                break;
            }
            match reader.read(&mut chunk)? {
                FlightDataProgress::Body { length } => body_left = length,
                FlightDataProgress::NeedMore => {
                    assert!(chunk.is_empty());
                    break;
                }
                FlightDataProgress::Done => {
                    assert!(chunk.is_empty() && bytes.is_empty());
                    let FlightDataParts { flight_descriptor, data_header, app_metadata } = reader.finish()?;
                    return Ok(FlightData { flight_descriptor, data_header, app_metadata, data_body: body.freeze() });
                }
            }
        }
        if bytes.is_empty() && body_left > 0 {
            return Err(FlightError::invalid_argument("the body was announced longer than the message"));
        }
    }
}

fn generated(data: &FlightData) -> flight::FlightData {
    flight::FlightData {
        flight_descriptor: data.flight_descriptor.as_ref().map(Generated::to_generated),
        data_header: data.data_header.clone(),
        app_metadata: data.app_metadata.clone(),
        data_body: data.data_body.clone(),
    }
}

fn any_bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn any_data() -> impl Strategy<Value = FlightData> {
    let descriptor = prop_oneof![
        Just(None),
        vec("[a-zü/]{0,8}", 0..4).prop_map(|path| Some(FlightDescriptor::for_path(path))),
        any_bytes(20).prop_map(|command| Some(FlightDescriptor::for_command(command))),
    ];
    (descriptor, any_bytes(300), any_bytes(200), any_bytes(500)).prop_map(|(descriptor, header, metadata, body)| {
        FlightData { flight_descriptor: descriptor, data_header: header, app_metadata: metadata, data_body: body }
    })
}

fn any_cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![Just(0), Just(1), 0..200_usize], 1..20)
        .prop_filter("only empty chunks", |cuts| cuts != &[0] && cuts.iter().any(|&cut| cut > 0))
}

/// A field that no version of the protocol has, of any wire type that can be skipped.
fn any_unknown() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![4..1000_u64, 1001..(1_u64 << 29)];
    (number, 0..4_u8, any::<u64>(), vec(any::<u8>(), 0..40)).prop_map(|(number, kind, value, bytes)| {
        let mut out = Vec::new();
        let (wire_type, payload) = match kind {
            0 => (0, varint(value)),
            1 => (1, value.to_le_bytes().to_vec()),
            2 => (2, [varint(bytes.len() as u64), bytes].concat()),
            _ => (5, (value as u32).to_le_bytes().to_vec()),
        };
        out.extend(varint(number << 3 | wire_type));
        out.extend(payload);
        out
    })
}

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    prost::encoding::encode_varint(value, &mut out);
    out
}

fn length_delimited(number: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

proptest! {
    #[test]
    fn writes_what_prost_writes_and_reads_it_cut_anywhere(data in any_data(), cuts in any_cuts()) {
        let bytes = data.serialize();
        prop_assert_eq!(&bytes, &generated(&data).encode_to_vec());
        prop_assert_eq!(&FlightData::deserialize(bytes.clone()).unwrap(), &data);
        prop_assert_eq!(&read_cut(bytes, &cuts, &MessageLimits::default()).unwrap(), &data);
    }

    #[test]
    fn reads_fields_in_any_order_among_unknown_and_earlier_ones(
        data in any_data(),
        earlier in any_data(),
        unknown in vec(any_unknown(), 5),
        order in Just([0, 1, 2, 3, 4, 5, 6, 7, 8]).prop_shuffle(),
        cuts in any_cuts(),
    ) {
        let descriptor = data.flight_descriptor.as_ref().map(FlightMessage::serialize);
        let fields = [
            descriptor.map(|bytes| length_delimited(1, &bytes)).unwrap_or_default(),
            length_delimited(2, &data.data_header),
            length_delimited(3, &data.app_metadata),
            length_delimited(1000, &data.data_body),
        ];
        let mut bytes = length_delimited(2, &earlier.data_header);
        bytes.extend(length_delimited(3, &earlier.app_metadata));
        for index in order {
            bytes.extend(fields.iter().chain(&unknown).nth(index).unwrap());
        }
        let bytes = Bytes::from(bytes);
        prop_assert_eq!(&read_cut(bytes.clone(), &cuts, &MessageLimits::default()).unwrap(), &data);
        prop_assert_eq!(flight::FlightData::decode(bytes).unwrap(), generated(&data));
    }

    #[test]
    fn padding_only_adds_zeros_to_the_header(data in any_data(), position in 0..10_000_usize) {
        let head = FlightDataHead {
            descriptor: data.flight_descriptor.as_ref(),
            data_header: &data.data_header,
            app_metadata: &data.app_metadata,
            body_length: data.data_body.len(),
        };
        let mut bytes = BytesMut::new();
        head.write(&mut bytes, Some(position));
        prop_assert_eq!(head.encoded_len(Some(position)), bytes.len());
        if !data.data_header.is_empty() && !data.data_body.is_empty() {
            prop_assert_eq!((position + bytes.len()) % 64, 0);
        }
        bytes.put_slice(&data.data_body);
        prop_assert_eq!(head.message_length(Some(position)), bytes.len());
        let mut read = flight::FlightData::decode(bytes.freeze()).unwrap();
        let padding = read.data_header.split_off(data.data_header.len());
        prop_assert!(padding.iter().all(|&byte| byte == 0));
        prop_assert_eq!(read, generated(&data));
    }
}

#[test]
fn padding_is_the_least_that_aligns_also_where_the_length_grows_by_a_byte() {
    let header = vec![1; 16_500];
    let lengths = (1..260).chain(16_200..16_500);
    for (length, position) in lengths.flat_map(|length| (0..64).map(move |position| (length, position))) {
        let head = FlightDataHead { data_header: &header[..length], body_length: 1, ..FlightDataHead::default() };
        // Tag and length of the header, tag and length of the body.
        let end = |padding| position + 1 + varint((length + padding) as u64).len() + length + padding + 2 + 1;
        let least = (0..).find(|&padding| end(padding) % 64 == 0).unwrap();
        assert_eq!(position + head.encoded_len(Some(position)), end(least), "{length} at {position}");
    }
}

#[test]
fn nothing_is_padded_without_header_or_body_or_position() {
    let head = FlightDataHead { data_header: b"header", app_metadata: b"m", ..FlightDataHead::default() };
    assert_eq!(head.encoded_len(Some(3)), 8 + 3);
    let head = FlightDataHead { body_length: 5, ..head };
    assert_eq!(head.encoded_len(None), 8 + 3 + 3);
    let head = FlightDataHead { data_header: b"", ..head };
    assert_eq!(head.encoded_len(Some(3)), 3 + 3);
    assert_eq!(FlightDataHead::default().message_length(Some(3)), 0);
    assert_eq!(FlightData::deserialize(Bytes::new()).unwrap(), FlightData::default());
}

#[test]
fn what_is_no_message_is_a_clear_error_however_it_is_cut() {
    let unknown_descriptor = length_delimited(1, &[]);
    let two_bodies = [length_delimited(1000, b"a"), length_delimited(1000, b"b")].concat();
    for (bytes, reason) in [
        (&b"\x00"[..], "the tag 0"),
        (b"\x80\x80\x80\x80\x80\x80\x80\x01\x00", "field number is invalid"),
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "a varint of more than 64 bits"),
        (b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", "a varint of more than 64 bits"),
        (b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "a varint of more than 64 bits"),
        (b"\x23", "a group, in field 4"),
        (b"\x24", "a group, in field 4"),
        (b"\x26", "wire type 6, in field 4"),
        (b"\x10\x01", "wire type 0 instead of bytes, in data_header"),
        (b"\x0b", "wire type 3 instead of bytes, in flight_descriptor"),
        (b"\x12\x05abcd", "data_header of 5 bytes where 4 are left"),
        (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "data_header of 18446744073709551615 bytes where 0 are left"),
        (b"\xc2\x3e\x02a", "data_body of 2 bytes where 1 are left"),
        (b"\x22\x02a", "an unknown field of 2 bytes where 1 are left"),
        (b"\x21\x01\x02", "ends within a field"),
        (b"\x12", "ends within data_header"),
        (b"\x12\x80", "ends within data_header"),
        (b"\xc2", "ends within a tag"),
        (b"\x20\x80", "ends within a field"),
        (&unknown_descriptor, "FlightDescriptor.type is 0"),
        (&two_bodies, "a second data_body"),
    ] {
        for cuts in [&[][..], &[1], &[2, 1]] {
            let error = read_cut(Bytes::copy_from_slice(bytes), cuts, &MessageLimits::default()).unwrap_err();
            assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
            assert!(error.message().contains(reason), "{error} should contain {reason}");
        }
    }
}

#[test]
fn limits_hold_before_anything_of_the_value_comes() {
    let limits = MessageLimits { header: 10, message: 1000, ..MessageLimits::default() };
    // The length alone is there.
    for (bytes, name) in [(&b"\x12\x0b"[..], "data_header"), (b"\x0a\x0b", "flight_descriptor")] {
        let mut reader = FlightDataReader::new(900, &limits);
        let error = reader.read(&mut Bytes::from_static(bytes)).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted);
        assert_eq!(error.message(), format!("a FlightData {name} of 11 bytes is over the limit of 10"));
    }

    let error = FlightDataReader::new(1001, &limits).read(&mut Bytes::new()).unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted);
    let within = [length_delimited(2, b"0123456789"), length_delimited(1000, &[0; 900])].concat();
    assert!(read_cut(within.into(), &[7], &limits).is_ok());
}

#[test]
fn a_length_that_a_peer_states_is_not_allocated() {
    let mut reader = FlightDataReader::new(i32::MAX as usize, &MessageLimits::default());
    let mut chunk = Bytes::from([&b"\x1a"[..], &varint(i32::MAX as u64 - 6), b"abc"].concat());
    assert_eq!(reader.read(&mut chunk).unwrap(), FlightDataProgress::NeedMore);
    assert!(reader.memory() <= 64 << 10);
}

#[test]
fn a_reader_takes_nothing_beyond_its_message() {
    let one = FlightData { app_metadata: "one".into(), ..FlightData::default() }.serialize();
    let two = FlightData { app_metadata: "two".into(), ..FlightData::default() }.serialize();
    let mut chunk = Bytes::from([&one[..], &two[..]].concat());
    let mut reader = FlightDataReader::new(one.len(), &MessageLimits::default());
    assert_eq!(reader.read(&mut chunk).unwrap(), FlightDataProgress::Done);
    assert_eq!(chunk, two);
}

#[test]
fn a_message_that_is_not_read_to_its_end_does_not_finish() {
    let mut reader = FlightDataReader::new(5, &MessageLimits::default());
    assert_eq!(reader.read(&mut Bytes::from_static(b"\x1a\x03a")).unwrap(), FlightDataProgress::NeedMore);
    let error = reader.finish().unwrap_err();
    assert_eq!(error.message(), "a FlightData message of 5 bytes ends within app_metadata");
    assert!(FlightDataReader::new(5, &MessageLimits::default()).finish().is_err());
}

#[test]
fn a_header_within_one_chunk_is_not_copied_and_small_metadata_is() {
    let data = FlightData {
        data_header: vec![1; 100].into(),
        app_metadata: vec![2; 100].into(),
        data_body: vec![3; 100].into(),
        ..FlightData::default()
    };
    let bytes = data.serialize();
    let within = |part: &Bytes| bytes.as_ptr_range().contains(&part.as_ptr());
    let read = FlightData::deserialize(bytes.clone()).unwrap();
    assert!(within(&read.data_header) && within(&read.data_body) && !within(&read.app_metadata));
}

#[test]
fn changed_bytes_never_panic_and_what_is_read_is_what_prost_reads() {
    let mut random = SmallRng::seed_from_u64(0xf11e);
    let data = FlightData {
        flight_descriptor: Some(FlightDescriptor::for_path(["a", "b"])),
        data_header: vec![1; 130].into(),
        app_metadata: "metadata".into(),
        data_body: vec![2; 140].into(),
    };
    let good = [&data.serialize()[..], b"\x20\x96\x01\x29\x00\x00\x00\x00\x00\x00\x00\x00"].concat();
    let mut read = 0;
    for _ in 0..100_000 {
        let mut bytes = good.clone();
        for _ in 0..random.random_range(1..4) {
            // The places between the fields are what counts: fewer within the header and the body.
            let place = match random.random_range(0..4) {
                0 => random.random_range(0..bytes.len()),
                1 => random.random_range(0..20),
                2 => random.random_range(140..170),
                _ => bytes.len() - random.random_range(1..20),
            };
            bytes[place] = random.random();
        }
        let bytes = Bytes::from(bytes);
        let cuts = [random.random_range(1..30), random.random_range(0..400)];
        if let Ok(data) = read_cut(bytes.clone(), &cuts, &MessageLimits::default()) {
            read += 1;
            let mut expected = flight::FlightData::decode(bytes).unwrap();
            let descriptor = expected.flight_descriptor.take().map(Generated::from_generated).transpose().unwrap();
            assert_eq!(data.flight_descriptor, descriptor);
            assert_eq!(generated(&FlightData { flight_descriptor: None, ..data }), expected);
        }
    }
    assert!(read > 1_000, "{read}");
}
