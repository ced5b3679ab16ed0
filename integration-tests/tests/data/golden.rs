//! Golden data: every stream and every file is what the JSON file beside it says, decoded, and when it went up to a
//! server and came down again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_ipc::{Endianness, MessageBuilder, MessageHeader, MetadataVersion as WireVersion, SchemaBuilder};
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, WIPOffset};
use integration_tests::read_json_file;
use peregrine::client::FlightClient;
use peregrine::ipc::{CompressionCodec, Error, IpcWriteOptions, MetadataVersion};
use peregrine::proto::{FlightDescriptor, FlightError, FlightErrorKind, Location};
use peregrine::server::{FlightServer, RunningServer};
use peregrine::stream::Table;
use peregrine::transport::Listener;
use peregrine_testkit::scenario::RoundTrip;

use crate::difference::{MapNames, check};
use crate::folders::GOLDEN;
use crate::live::Live;
use crate::messages::{Message, decode, decoder, is_big_endian, is_version_4, read};
use crate::scavenge::scavenge;

/// Of these C++ wrote the names of a map's entries as it likes them.
const MAP_WITHOUT_NAMES: &str = "generated_map_non_canonical";

/// The same data in up to three formats.
#[derive(Debug, Clone, Default)]
struct Case {
    json: Option<PathBuf>,
    encoded: Vec<PathBuf>,
}

/// By what stands before the ending.
fn cases() -> BTreeMap<String, Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for path in GOLDEN.files(|path| split(path).is_some()) {
        let (name, ending) = split(&path).unwrap();
        let case = cases.entry(name.to_owned()).or_default();
        match ending {
            "stream" | "arrow_file" => case.encoded.push(path.clone()),
            _ => case.json = Some(path.clone()),
        }
    }
    cases
}

fn split(path: &Path) -> Option<(&str, &str)> {
    let path = path.to_str()?;
    ["stream", "arrow_file", "json", "json.gz"]
        .into_iter()
        .find_map(|ending| Some((path.strip_suffix(ending)?.strip_suffix('.')?, ending)))
}

impl Case {
    /// What is wrong with it, a line a file.
    async fn failures(self, live: &Live) -> Vec<String> {
        let mut failures = Vec::new();
        let mut expected = None;
        if let Some(path) = &self.json {
            match read_json_file(path) {
                Ok(table) => expected = Some(table),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        for path in &self.encoded {
            let names = match path.file_stem().is_some_and(|name| name == MAP_WITHOUT_NAMES) {
                true => MapNames::DoNotCount,
                false => MapNames::Count,
            };
            let bytes = Bytes::from(fs::read(path).unwrap());
            if let Err(error) = encoded_is(&bytes, expected.as_ref(), names, live).await {
                failures.push(format!("{}: {error}", path.display()));
            }
        }
        failures
    }
}

async fn encoded_is(bytes: &Bytes, expected: Option<&Table>, names: MapNames, live: &Live) -> Result<(), String> {
    let found = scavenge(bytes);
    if is_big_endian(&found) {
        return big_endian_is_refused(bytes, &found, live).await;
    }
    // Before Arrow 1.0 nobody kept these names.
    let names = if is_version_4(&found) { MapNames::DoNotCount } else { names };
    let messages = read(bytes).map_err(|error| format!("the messages: {error}"))?;
    let decoded = table(&messages).map_err(|error| format!("decoding: {error}"))?;
    // Without a description it is to be valid, and the same everywhere.
    let expected = expected.unwrap_or(&decoded);
    check(expected, &decoded, names).map_err(|error| format!("decoded: {error}"))?;
    let arrived = live.messages_up_and_down(&messages).await.map_err(|error| format!("uploaded as it is: {error}"))?;
    check(expected, &arrived, names).map_err(|error| format!("uploaded as it is: {error}"))?;
    for (name, how) in ways_to_write() {
        let arrived =
            live.table_up_and_down(&decoded, how).await.map_err(|error| format!("uploaded, {name}: {error}"))?;
        check(expected, &arrived, names).map_err(|error| format!("uploaded, {name}: {error}"))?;
    }
    Ok(())
}

fn ways_to_write() -> [(&'static str, IpcWriteOptions); 4] {
    let plain = IpcWriteOptions::default();
    [
        ("with LZ4", plain.clone().with_compression(CompressionCodec::Lz4)),
        ("with ZSTD", plain.clone().with_compression(CompressionCodec::Zstd)),
        ("as version 4", plain.clone().with_metadata_version(MetadataVersion::V4).with_dictionary_deltas(true)),
        ("plain", plain),
    ]
}

fn table(messages: &[Message]) -> Result<Table, Error> {
    let mut decoder = decoder();
    let batches = decode(&mut decoder, messages)?;
    Ok(Table::new(decoder.schema().cloned().unwrap_or(Arc::new(arrow_schema::Schema::empty())), batches))
}

async fn big_endian_is_refused(bytes: &Bytes, messages: &[Message], live: &Live) -> Result<(), String> {
    let decoded = read(bytes).and_then(|messages| table(&messages)).map(drop).map_err(FlightError::from);
    let uploaded = live.messages_up_and_down(messages).await.map(drop);
    for (how, result) in [("decoded", decoded), ("uploaded", uploaded)] {
        match result {
            Err(error) if error.kind() == FlightErrorKind::Unimplemented && error.message().contains("big-endian") => {}
            other => return Err(format!("big-endian data is refused as such, not {how} with {other:?}")),
        }
    }
    Ok(())
}

#[tokio::test]
async fn golden_data_is_what_its_json_says_decoded_and_up_and_down() {
    let cases = cases();
    let files: usize = cases.values().map(|case| case.encoded.len()).sum();
    let mut failures = Vec::new();
    let live = Arc::new(Live::start());
    for (name, case) in cases {
        let live = live.clone();
        // In a task, so that a panic is a failure of this case alone.
        match tokio::spawn(async move { case.failures(&live).await }).await {
            Ok(found) => failures.extend(found),
            Err(panic) => failures.push(format!("{name}: {panic}")),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    println!("{files} golden streams and files are what they should be");
}

fn serve_in_memory() -> (RunningServer, FlightClient) {
    let (listener, connector) = Listener::in_memory();
    let server = RoundTrip::serve(FlightServer::builder().listener(listener)).unwrap();
    let client = FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector).build().unwrap();
    (server, client)
}

async fn json_up_and_down(name: &str, path: &Path, client: &FlightClient) -> Result<(), String> {
    let table = read_json_file(path).map_err(|error| format!("{error:#}"))?;
    RoundTrip::new(name, table.clone()).run(client).await.map_err(|error| error.to_string())?;

    // Beyond what is official: the names in maps are those that were sent, and dictionaries are as ordered.
    let arrived = async {
        let info = client.get_flight_info(FlightDescriptor::for_path([name])).await?;
        client.do_get(info.endpoints()[0].ticket().clone()).await?.read_all().await
    };
    check(&table, &arrived.await.map_err(|error| error.to_string())?, MapNames::Count)
}

#[tokio::test]
async fn golden_json_goes_up_and_comes_back() {
    let (_server, client) = serve_in_memory();
    let mut failures = Vec::new();
    for (name, path) in cases().into_iter().filter_map(|(name, case)| Some((name, case.json?))) {
        let (what, client) = (name.clone(), client.clone());
        match tokio::spawn(async move { json_up_and_down(&what, &path, &client).await }).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(format!("{name}: {error}")),
            Err(panic) => failures.push(format!("{name}: {panic}")),
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// A stream of this endianness, without columns.
fn schema_of(endianness: Endianness) -> Bytes {
    let mut builder = FlatBufferBuilder::new();
    let fields = builder.create_vector::<WIPOffset<arrow_ipc::Field<'_>>>(&[]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_endianness(endianness);
    schema.add_fields(fields);
    let schema = schema.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(WireVersion::V5);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema);
    let message = message.finish();
    builder.finish(message, None);
    let header = builder.finished_data();
    [&[0xff; 4], &(header.len() as u32).to_le_bytes(), header].concat().into()
}

#[tokio::test]
async fn golden_data_of_big_endian_machines_is_known_by_its_schema() {
    let live = Live::start();
    for (endianness, is_big) in [(Endianness::Big, true), (Endianness::Little, false)] {
        let stream = schema_of(endianness);
        assert_eq!(is_big_endian(&scavenge(&stream)), is_big);
        encoded_is(&stream, None, MapNames::Count, &live).await.unwrap();
        // What is read is not refused, and the other way round.
        let refused = big_endian_is_refused(&stream, &scavenge(&stream), &live).await;
        assert_eq!(refused.is_ok(), is_big, "{refused:?}");
    }
}
