//! The JSON files of the official round trip, where they lie beside the project: they are not part of it, and without
//! them there is nothing to do.

use std::fs;
use std::path::{Path, PathBuf};

use arrow_ipc::reader::StreamReader;
use integration_tests::read_json_file;
use peregrine::client::FlightClient;
use peregrine::proto::{FlightDescriptor, Location};
use peregrine::server::{FlightServer, RunningServer};
use peregrine::transport::Listener;
use peregrine_testkit::scenario::RoundTrip;

use crate::waiting::soon;

/// The JSON files, or nothing and a word about it.
pub(crate) fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/arrow-ipc/golden");
    let folders = fs::read_dir(&root).into_iter().flatten().flatten();
    let entries = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".json.gz"));
    files.sort();
    if files.is_empty() {
        println!("skipped: no data in {}", root.display());
    }
    files
}

fn serve_in_memory() -> (RunningServer, FlightClient) {
    let (listener, connector) = Listener::in_memory();
    let server = RoundTrip::serve(FlightServer::builder().listener(listener)).unwrap();
    let client = FlightClient::builder(Location::reuse_connection()).unwrap().connector(connector).build().unwrap();
    (server, client)
}

#[test]
fn golden_json_says_what_the_stream_beside_it_says() {
    for path in files() {
        let table = read_json_file(&path).unwrap();
        let stream = fs::File::open(path.with_extension("").with_extension("stream")).unwrap();
        let stream = StreamReader::try_new(stream, None).unwrap();
        // C++ wrote other names into this stream.
        let canonical_names = path.ends_with("generated_map_non_canonical.json.gz");
        assert_eq!(table.schema == stream.schema(), !canonical_names, "{}", path.display());
        let batches: Vec<_> = stream.map(Result::unwrap).collect();
        assert_eq!(batches.len(), table.batches.len(), "{}", path.display());
        for (expected, batch) in batches.iter().zip(&table.batches) {
            assert_eq!(batch.columns(), expected.columns(), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn golden_json_goes_up_and_comes_back() {
    let (_server, client) = serve_in_memory();
    for path in files() {
        let name = path.display().to_string();
        let table = read_json_file(&path).unwrap();
        let round_trip = RoundTrip::new(&name, table.clone());
        soon(round_trip.run(&client)).await.unwrap_or_else(|error| panic!("{name}: {error}"));

        // Beyond what is official: the names in maps are those that were sent.
        let info = soon(client.get_flight_info(FlightDescriptor::for_path([name.as_str()]))).await.unwrap();
        let mut reader = client.do_get(info.endpoints()[0].ticket().clone()).await.unwrap();
        assert_eq!(soon(reader.read_all()).await.unwrap(), table, "{name}");
    }
}
