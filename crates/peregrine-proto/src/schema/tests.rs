//! Schemas there and back, hostile headers built by hand, and seeded changes of good ones.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_ipc::{
    FieldBuilder, FixedSizeBinaryBuilder, FixedSizeListBuilder, Int, IntBuilder, MapBuilder, MessageBuilder,
    MessageHeader, MetadataVersion as WireVersion, RunEndEncodedBuilder, SchemaBuilder, Struct_Builder, Type,
    UnionBuilder, Utf8Builder,
};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit, UnionFields, UnionMode};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, VerifierOptions, WIPOffset};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::decode::CONTINUATION;
use super::*;
use crate::error::FlightErrorKind;
use crate::limits::MessageLimits;
use crate::verified::{MAX_DEPTH, verifier_options};

fn limits() -> MessageLimits {
    MessageLimits::default()
}

/// A schema with every type, dictionaries in and below others, and metadata everywhere.
fn every_type() -> Schema {
    use DataType::*;
    let item = |data_type| Arc::new(Field::new("item", data_type, true));
    let dictionary = |key: DataType, value: DataType| Dictionary(Box::new(key), Box::new(value));
    let pair = Fields::from(vec![Field::new("key", Utf8, false), Field::new("value", Int32, true)]);
    let members = vec![Field::new("a", Int8, true), Field::new("b", dictionary(Int8, Utf8), true)];
    let mut types = vec![Null, Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64];
    types.extend([Float16, Float32, Float64, Date32, Date64, Utf8, LargeUtf8, Utf8View, Binary, LargeBinary]);
    types.extend([BinaryView, FixedSizeBinary(0), FixedSizeBinary(16), Time32(TimeUnit::Second)]);
    types.extend([Time32(TimeUnit::Millisecond), Time64(TimeUnit::Microsecond), Time64(TimeUnit::Nanosecond)]);
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        types.extend([Timestamp(unit, None), Timestamp(unit, Some("Europe/Zurich".into())), Duration(unit)]);
    }
    types.extend([IntervalUnit::YearMonth, IntervalUnit::DayTime, IntervalUnit::MonthDayNano].map(Interval));
    types.extend([Decimal32(9, 2), Decimal64(18, -3), Decimal128(38, 38), Decimal256(76, 0)]);
    types.extend([List(item(Int32)), LargeList(item(Utf8)), ListView(item(Int32)), LargeListView(item(Int32))]);
    types.extend([FixedSizeList(item(Float32), 3), Struct(pair.clone()), Struct(Fields::empty())]);
    types.push(Map(Arc::new(Field::new("entries", Struct(pair), false)), true));
    types.push(Union(UnionFields::try_new([7, 3], members.clone()).unwrap(), UnionMode::Dense));
    types.push(Union(UnionFields::from_fields(members), UnionMode::Sparse));
    types.push(RunEndEncoded(Arc::new(Field::new("run_ends", Int16, false)), item(dictionary(Int16, Utf8))));
    for key in [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64] {
        types.push(dictionary(key, List(item(dictionary(Int32, Binary)))));
    }
    let fields = types.into_iter().enumerate().map(|(index, data_type)| {
        let metadata = HashMap::from([("index".to_owned(), index.to_string()), ("ü".to_owned(), String::new())]);
        Field::new(format!("f{index}"), data_type, index % 2 == 0).with_metadata(metadata)
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), HashMap::from([("origin".to_owned(), "test".to_owned())]))
}

#[test]
fn a_schema_of_every_type_comes_back_equal() {
    for schema in [every_type(), Schema::empty()] {
        let encoded = encode_schema(&schema);
        assert_eq!(encoded.len() % 8, 0);
        assert_eq!(decode_schema(&encoded, &limits()).unwrap(), schema);
        assert_eq!(encoded[8..], encode_schema_header(&schema, MetadataVersion::V5));
        for (version, wire) in [(MetadataVersion::V4, WireVersion::V4), (MetadataVersion::V5, WireVersion::V5)] {
            let header = encode_schema_header(&schema, version);
            assert_eq!(arrow_ipc::root_as_message(&header).unwrap().version(), wire);
            assert_eq!(decode_schema_header(&header, &limits()).unwrap(), schema);
        }
    }
}

/// The ids in a schema's header, those of children first, as they are counted.
fn ids(header: &[u8]) -> Vec<i64> {
    fn collect(field: arrow_ipc::Field<'_>, ids: &mut Vec<i64>) {
        field.children().into_iter().flatten().for_each(|child| collect(child, ids));
        ids.extend(field.dictionary().map(|dictionary| dictionary.id()));
    }
    let message = arrow_ipc::root_as_message(header).unwrap();
    let mut ids = Vec::new();
    message.header_as_schema().unwrap().fields().unwrap().iter().for_each(|field| collect(field, &mut ids));
    ids
}

#[test]
fn every_dictionary_has_an_id_of_its_own() {
    let header = encode_schema_header(&every_type(), MetadataVersion::V5);
    assert_eq!(ids(&header), (0..19).collect::<Vec<_>>());
}

#[test]
fn dictionary_ids_are_written_as_asked_for() {
    let schema = every_type();
    let wanted = (0..19).map(|number| [0, -1, i64::MAX][number % 3] - number as i64 / 6).collect::<Vec<_>>();
    let header = encode_schema_header_with_ids(&schema, MetadataVersion::V5, &wanted).unwrap();
    assert_eq!(ids(&header), wanted);
    assert_eq!(decode_schema_header(&header, &limits()).unwrap(), schema);
    for count in [0, 18, 20] {
        let error = encode_schema_header_with_ids(&schema, MetadataVersion::V5, &vec![0; count]).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    }
}

#[test]
fn prefixes_old_and_new_and_what_may_follow() {
    let schema = every_type();
    let header = encode_schema_header(&schema, MetadataVersion::V5);
    let length = (header.len() as u32).to_le_bytes();
    let new = [&CONTINUATION[..], &length, &header].concat();
    let old = [&length[..], &header].concat();
    for message in [new, old] {
        for end in [&[][..], &[0; 4], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], &[0; 64]] {
            assert_eq!(decode_schema(&[&message, end].concat(), &limits()).unwrap(), schema);
        }
    }
    // Zeros after the flatbuffer, within its length.
    let padded = [&header[..], &[0; 61]].concat();
    assert_eq!(decode_schema_header(&padded, &limits()).unwrap(), schema);
}

const BIG_ENDIAN: &str = "big-endian data is not read, only little-endian";

#[test]
fn a_bare_flatbuffer_is_read_as_one() {
    for schema in [every_type(), Schema::empty(), nested(64)] {
        for version in [MetadataVersion::V4, MetadataVersion::V5] {
            let header = encode_schema_header(&schema, version);
            for end in [&[][..], &[0; 4], &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]] {
                assert_eq!(decode_schema(&[&header, end].concat(), &limits()).unwrap(), schema);
            }
        }
    }
    // A bare one that is refused for what it says is refused for that, and not for a length that it does not have.
    let exhausted = decode_schema(&encode_schema_header(&nested(65), MetadataVersion::V5), &limits()).unwrap_err();
    assert_eq!(exhausted.kind(), FlightErrorKind::ResourceExhausted);
    let header = schema_message(WireVersion::V5, arrow_ipc::Endianness::Big, MessageHeader::Schema);
    let length = (header.len() as u32).to_le_bytes();
    for bytes in [header.clone(), [&length[..], &header].concat(), [&CONTINUATION, &length[..], &header].concat()] {
        let big = decode_schema(&bytes, &limits()).unwrap_err();
        assert_eq!((big.kind(), big.message()), (FlightErrorKind::Unimplemented, BIG_ENDIAN));
    }
}

#[test]
fn every_cut_of_a_bare_flatbuffer_is_an_error() {
    let header = encode_schema_header(&every_type(), MetadataVersion::V5);
    // What pads it to a multiple of 8 may be missing.
    for length in 0..header.len() - 8 {
        let error = decode_schema(&header[..length], &limits()).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument, "{length}");
    }
}

#[test]
fn every_cut_of_a_schema_is_an_error() {
    let encoded = encode_schema(&every_type());
    for length in 0..encoded.len() {
        let error = decode_schema(&encoded[..length], &limits()).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
    }
    for header_length in 0..encoded.len() - 8 - 8 {
        assert!(decode_schema_header(&encoded[8..8 + header_length], &limits()).is_err());
    }
}

#[test]
fn the_end_of_a_stream_is_no_schema() {
    for bytes in [&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0][..], &[0, 0, 0, 0]] {
        let error = decode_schema(bytes, &limits()).unwrap_err();
        assert!(error.message().contains("the end of a stream"), "{error}");
    }
}

/// Lists within lists, `levels` fields deep.
fn nested(levels: usize) -> Schema {
    let innermost = Field::new("item", DataType::Int8, true);
    let field = (1..levels).fold(innermost, |field, _| Field::new("item", DataType::List(Arc::new(field)), true));
    Schema::new(vec![field])
}

#[test]
fn depth_and_number_of_fields_are_limited() {
    let kind = |schema: &Schema, limits: &MessageLimits| {
        decode_schema(&encode_schema(schema), limits).map_err(|error| error.kind()).err()
    };
    let exhausted = Some(FlightErrorKind::ResourceExhausted);
    assert_eq!(kind(&nested(64), &limits()), None);
    assert_eq!(kind(&nested(65), &limits()), exhausted);
    assert_eq!(kind(&nested(200), &limits()), exhausted);
    let deep = MessageLimits { schema_depth: usize::MAX, ..limits() };
    assert_eq!(kind(&nested(MAX_DEPTH), &deep), None);
    assert_eq!(kind(&nested(MAX_DEPTH + 1), &deep), exhausted);

    let wide = Schema::new((0..10).map(|_| Field::new("f", DataType::Int8, true)).collect::<Vec<_>>());
    assert_eq!(kind(&wide, &MessageLimits { schema_fields: 10, ..limits() }), None);
    assert_eq!(kind(&wide, &MessageLimits { schema_fields: 9, ..limits() }), exhausted);
    assert_eq!(kind(&wide, &MessageLimits { header: 16, ..limits() }), exhausted);
}

#[test]
fn a_dictionary_at_the_deepest_level_is_within_the_limit() {
    let innermost = Field::new("item", DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()), true);
    let field = (1..64).fold(innermost, |field, _| Field::new("item", DataType::List(Arc::new(field)), true));
    let schema = Schema::new(vec![field]);
    assert_eq!(decode_schema(&encode_schema(&schema), &limits()).unwrap(), schema);
}

#[test]
fn a_dictionary_of_values_with_children_is_two_levels() {
    let nested = |times: usize| {
        let dictionary = |item: DataType| {
            let list = DataType::List(Arc::new(Field::new("item", item, true)));
            DataType::Dictionary(DataType::Int8.into(), list.into())
        };
        let data_type = (0..times).fold(DataType::Int8, |item, _| dictionary(item));
        Schema::new(vec![Field::new("f", data_type, true)])
    };
    let read = |times| decode_schema(&encode_schema(&nested(times)), &limits());
    assert_eq!(read(31).unwrap(), nested(31));
    let error = read(32).unwrap_err();
    assert_eq!(error.kind(), FlightErrorKind::ResourceExhausted);
    assert!(error.message().contains("limit of 64"), "{error}");
}

type FieldOffset<'a> = WIPOffset<arrow_ipc::Field<'a>>;

/// A field with this type and these children, as no encoder would write it.
fn raw_field<'a>(
    builder: &mut FlatBufferBuilder<'a>,
    type_type: Type,
    type_: WIPOffset<UnionWIPOffset>,
    children: &[FieldOffset<'a>],
) -> FieldOffset<'a> {
    let children = builder.create_vector(children);
    let mut field = FieldBuilder::new(builder);
    field.add_type_type(type_type);
    field.add_type_(type_);
    field.add_children(children);
    field.finish()
}

fn int_field<'a>(builder: &mut FlatBufferBuilder<'a>, width: i32) -> FieldOffset<'a> {
    let int = int_type(builder, width).as_union_value();
    raw_field(builder, Type::Int, int, &[])
}

fn int_type<'a>(builder: &mut FlatBufferBuilder<'a>, width: i32) -> WIPOffset<Int<'a>> {
    let mut int = IntBuilder::new(builder);
    int.add_bitWidth(width);
    int.add_is_signed(true);
    int.finish()
}

/// The bytes of a schema of the one field that `field` builds.
fn header_of(field: impl for<'a> FnOnce(&mut FlatBufferBuilder<'a>) -> FieldOffset<'a>) -> Bytes {
    let mut builder = FlatBufferBuilder::new();
    let field = field(&mut builder);
    let fields = builder.create_vector(&[field]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_fields(fields);
    let schema = schema.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(WireVersion::V5);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema);
    let message = message.finish();
    builder.finish(message, None);
    Bytes::copy_from_slice(builder.finished_data())
}

fn union_of(members: usize, ids: Option<Vec<i32>>) -> Bytes {
    header_of(move |builder| {
        let children = (0..members).map(|_| int_field(builder, 8)).collect::<Vec<_>>();
        let ids = ids.map(|ids| builder.create_vector(&ids));
        let mut union = UnionBuilder::new(builder);
        if let Some(ids) = ids {
            union.add_typeIds(ids);
        }
        let union = union.finish().as_union_value();
        raw_field(builder, Type::Union, union, &children)
    })
}

fn map_of(entries: usize) -> Bytes {
    header_of(move |builder| {
        let children = (0..entries).map(|_| int_field(builder, 8)).collect::<Vec<_>>();
        let entries = Struct_Builder::new(builder).finish().as_union_value();
        let entries = raw_field(builder, Type::Struct_, entries, &children);
        let map = MapBuilder::new(builder).finish().as_union_value();
        raw_field(builder, Type::Map, map, &[entries])
    })
}

fn runs_of(width: i32, children: usize) -> Bytes {
    header_of(move |builder| {
        let children = (0..children).map(|_| int_field(builder, width)).collect::<Vec<_>>();
        let runs = RunEndEncodedBuilder::new(builder).finish().as_union_value();
        raw_field(builder, Type::RunEndEncoded, runs, &children)
    })
}

fn binary_of(width: i32) -> Bytes {
    header_of(move |builder| {
        let mut binary = FixedSizeBinaryBuilder::new(builder);
        binary.add_byteWidth(width);
        let binary = binary.finish().as_union_value();
        raw_field(builder, Type::FixedSizeBinary, binary, &[])
    })
}

fn lists_of(size: i32) -> Bytes {
    header_of(move |builder| {
        let child = int_field(builder, 8);
        let mut list = FixedSizeListBuilder::new(builder);
        list.add_listSize(size);
        let list = list.finish().as_union_value();
        raw_field(builder, Type::FixedSizeList, list, &[child])
    })
}

#[test]
fn types_that_arrow_does_not_allow_are_refused() {
    for (header, reason) in [
        (union_of(129, None), "more than 128 members"),
        (union_of(1, Some(vec![256])), "from 0 to 127"),
        (union_of(1, Some(vec![-1])), "from 0 to 127"),
        (union_of(2, Some(vec![1, 1])), "duplicate type id"),
        (union_of(1, Some(vec![1, 2])), "more elements"),
        (map_of(1), "not pairs"),
        (map_of(3), "not pairs"),
        (runs_of(8, 2), "run ends"),
        (runs_of(32, 1), "exactly two children"),
        (runs_of(32, 0), "exactly two children"),
        (binary_of(-1), "negative width"),
        (lists_of(-1), "negative size"),
        (header_of(|builder| int_field(builder, 7)), "bit width of 7"),
        (header_of(|builder| FieldBuilder::new(builder).finish()), "NONE"),
    ] {
        let error = decode_schema_header(&header, &limits()).unwrap_err();
        assert_eq!(error.kind(), FlightErrorKind::InvalidArgument);
        assert!(error.message().contains(reason), "{error} should contain {reason}");
    }
    let good = [union_of(128, None), union_of(2, Some(vec![127, 0])), map_of(2), runs_of(16, 2)];
    for header in good.into_iter().chain([binary_of(0), lists_of(0)]) {
        decode_schema_header(&header, &limits()).unwrap();
    }
}

#[test]
fn decimals_have_a_precision_that_fits() {
    for (data_type, good) in [
        (DataType::Decimal32(10, 0), false),
        (DataType::Decimal64(19, 0), false),
        (DataType::Decimal128(0, 0), false),
        (DataType::Decimal256(77, 0), false),
        (DataType::Decimal256(76, -128), true),
    ] {
        let header = encode_schema_header(&Schema::new(vec![Field::new("d", data_type, true)]), MetadataVersion::V5);
        assert_eq!(decode_schema_header(&header, &limits()).is_ok(), good);
    }
}

/// A small header whose fields all have the same children, so that it unfolds into a tree of `width ^ levels` fields.
#[test]
fn a_time_zone_without_a_name_is_none() {
    let of = |zone: Option<&str>| {
        let time = DataType::Timestamp(TimeUnit::Second, zone.map(Into::into));
        let field = |data_type: &DataType| Arc::new(Field::new("f", data_type.clone(), true));
        let strict = |data_type: &DataType| Arc::new(Field::new("f", data_type.clone(), false));
        let pair = DataType::Struct([strict(&DataType::Int8), field(&time)].into_iter().collect());
        let types = [
            time.clone(),
            DataType::List(field(&time)),
            DataType::LargeList(field(&time)),
            DataType::ListView(field(&time)),
            DataType::LargeListView(field(&time)),
            DataType::FixedSizeList(field(&time), 2),
            DataType::Map(strict(&pair), false),
            DataType::Union(UnionFields::try_new([4], [field(&time)]).unwrap(), UnionMode::Dense),
            DataType::RunEndEncoded(strict(&DataType::Int16), field(&time)),
            DataType::Dictionary(DataType::Int8.into(), time.into()),
        ];
        let fields: Fields = types.iter().map(field).collect();
        Schema::new_with_metadata(fields, HashMap::from([("key".to_owned(), "value".to_owned())]))
    };
    let named = of(Some("Zulu"));
    let mut header = encode_schema_header(&named, MetadataVersion::V5).to_vec();
    assert_eq!(decode_schema_header(&header, &limits()).unwrap(), named);
    for at in 0..header.len() - 8 {
        if header[at..].starts_with(b"\x04\0\0\0Zulu") {
            header[at..at + 8].fill(0);
        }
    }
    assert_eq!(decode_schema_header(&header, &limits()).unwrap(), of(None));
}

#[test]
fn a_header_that_uses_its_parts_over_and_over_is_refused() {
    for (width, levels) in [(2, 60), (100, 3), (5000, 1)] {
        let header = header_of(|builder| {
            let mut field = {
                let name = Utf8Builder::new(builder).finish().as_union_value();
                raw_field(builder, Type::Utf8, name, &[])
            };
            for _ in 0..levels {
                let name = Struct_Builder::new(builder).finish().as_union_value();
                field = raw_field(builder, Type::Struct_, name, &vec![field; width]);
            }
            field
        });
        let error = decode_schema_header(&header, &limits()).unwrap_err();
        assert!(error.message().contains("over and over"), "{error}");
    }
}

/// The bytes of a schema without fields, in a message that says this about itself.
fn schema_message(version: WireVersion, endianness: arrow_ipc::Endianness, header_type: MessageHeader) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let fields = builder.create_vector::<FieldOffset>(&[]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_endianness(endianness);
    schema.add_fields(fields);
    let schema = schema.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(version);
    message.add_header_type(header_type);
    message.add_header(schema);
    let message = message.finish();
    builder.finish(message, None);
    builder.finished_data().to_vec()
}

#[test]
fn other_messages_versions_and_byte_orders_are_named() {
    let build = |version, endianness, header_type| {
        decode_schema_header(&schema_message(version, endianness, header_type), &limits())
    };
    use WireVersion as V;
    use arrow_ipc::Endianness as E;
    assert_eq!(build(V::V4, E::Little, MessageHeader::Schema).unwrap(), Schema::empty());
    let old = build(V::V3, E::Little, MessageHeader::Schema).unwrap_err();
    assert_eq!((old.kind(), old.message()), (FlightErrorKind::Unimplemented, "IPC metadata of version V3"));
    let big = build(V::V5, E::Big, MessageHeader::Schema).unwrap_err();
    assert_eq!((big.kind(), big.message()), (FlightErrorKind::Unimplemented, BIG_ENDIAN));
    let unknown = build(V::V5, E(2), MessageHeader::Schema).unwrap_err();
    assert_eq!(unknown.kind(), FlightErrorKind::InvalidArgument);
    let none = build(V::V5, E::Little, MessageHeader(77)).unwrap_err();
    assert_eq!(none.kind(), FlightErrorKind::InvalidArgument);
}

#[test]
fn what_encoders_write_stays_far_from_the_limit_on_apparent_size() {
    let wide = Schema::new((0..5000).map(|_| Field::new("", DataType::Null, true)).collect::<Vec<_>>());
    for schema in [every_type(), wide, nested(64)] {
        let header = encode_schema_header(&schema, MetadataVersion::V5);
        let options = VerifierOptions { max_apparent_size: header.len() * 4, ..verifier_options(&header) };
        arrow_ipc::root_as_message_with_opts(&options, &header).unwrap();
    }
}

/// One type at a time, so that most changes hit what gives the type its shape, then all of them together.
#[test]
fn changed_bytes_never_panic() {
    let mut random = SmallRng::seed_from_u64(0x5eed);
    let mut changes = 0;
    let mut read = 0;
    let mut change = |schema: &Schema, times: usize| {
        let good = encode_schema(schema);
        let mut bytes = good.to_vec();
        for _ in 0..times {
            let place = random.random_range(0..bytes.len());
            bytes[place] = match random.random_range(0..3) {
                0 => bytes[place] ^ (1 << random.random_range(0..8)),
                1 => [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
                _ => random.random(),
            };
            changes += 1;
            if let Ok(schema) = decode_schema(&bytes, &limits()) {
                encode_schema(&schema);
                read += 1;
            }
            // Without the marker it is read as a length and as a flatbuffer.
            let _ = (decode_schema(&bytes[4..], &limits()), decode_schema(&bytes[8..], &limits()));
            bytes[place] = good[place];
        }
    };
    let all = every_type();
    for field in all.fields() {
        change(&Schema::new_with_metadata(vec![field.clone()], all.metadata().clone()), 5_000);
    }
    change(&nested(20), 5_000);
    change(&all, 2_000);
    // Names and metadata, at least, may change.
    assert!(changes > 300_000 && read > 1_000, "{changes} {read}");
}

/// Data of the Arrow project, where it is at hand: streams that C++ wrote, and some that once broke a reader.
#[test]
fn streams_of_other_implementations_begin_with_a_schema() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/arrow-ipc");
    let mut streams = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("stream" | "bin") => streams.push(path),
                _ => {}
            }
        }
    }
    if streams.is_empty() {
        eprintln!("skipped: no test data at ../shared/data/arrow-ipc");
    }
    for path in streams {
        let read = decode_schema(&std::fs::read(&path).unwrap(), &limits());
        // Those that end in .bin are hostile: they only must not panic.
        if path.extension().is_some_and(|extension| extension == "stream") {
            let schema = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(decode_schema(&encode_schema(&schema), &limits()).unwrap(), schema);
        }
    }
}
