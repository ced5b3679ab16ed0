//! The program from end to end: a real server, real clients, real files.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use peregrine::client::FlightClient;
use peregrine::proto::Ticket;

use crate::running::{Server, program, run, signal, stderr_of, stdout_of};

mod running;

/// Rows with nulls, a time zone, and a dictionary of their own.
fn trips(first: i64, rows: i64) -> RecordBatch {
    let ids = first..first + rows;
    let vendors = ids.clone().map(|i| (i % 4 != 0).then(|| format!("vendor {}", i % (3 + first % 5))));
    let vendors: DictionaryArray<Int32Type> = vendors.collect::<Vec<_>>().iter().map(Option::as_deref).collect();
    let times = ids.clone().map(|i| (i % 3 != 0).then_some(1_767_225_600_000 + i));
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone())) as ArrayRef, false),
        ("vendor", Arc::new(vendors), true),
        ("time", Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC")), true),
        ("note", Arc::new(StringArray::from_iter(ids.map(|i| (i % 2 == 0).then_some("a \"b\", c")))), true),
    ])
    .unwrap()
}

fn write_parquet(path: &Path, batches: &[RecordBatch]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batches[0].schema(), None).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
        // A row group each, and with it a dictionary.
        writer.flush().unwrap();
    }
    writer.close().unwrap();
}

fn write_arrow(path: &Path, batches: &[RecordBatch]) {
    let mut writer = FileWriter::try_new_buffered(File::create(path).unwrap(), batches[0].schema_ref()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

/// All rows of a file that was written, with dictionaries spelled out, since these may differ.
fn rows_of(schema: SchemaRef, batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>) -> RecordBatch {
    let batches: Vec<_> = batches.map(|batch| spelled_out(&batch.unwrap())).collect();
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    concat_batches(&schema, &batches).unwrap()
}

fn spelled_out(batch: &RecordBatch) -> RecordBatch {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, column)| {
        let kind = match column.data_type() {
            arrow_schema::DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        (field.name().clone(), arrow_cast::cast(column, kind).unwrap(), field.is_nullable())
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}

/// A folder to serve with `trips` (Parquet, three row groups), `deep/er/wide` (Arrow), and one to write into.
fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    fs::create_dir(&out).unwrap();
    write_parquet(&data.join("trips.parquet"), &[trips(0, 100), trips(101, 50), trips(152, 10_000)]);
    fs::create_dir_all(data.join("deep/er")).unwrap();
    write_arrow(&data.join("deep/er/wide.arrow"), &[trips(0, 3)]);
    (folder, data, out)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn signals_end_the_server_with_success() {
    let (_folder, data, _) = folders();
    for signal in ["TERM", "INT"] {
        let server = Server::start(&data);
        let port: u16 = server.uri.strip_prefix("grpc+tcp://127.0.0.1:").unwrap().parse().unwrap();
        assert_ne!(port, 0);
        server.signal(signal);
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
    }
}

#[test]
fn ls_lists_the_flights() {
    let (_folder, data, _) = folders();
    let server = Server::start(&data);
    let table = stdout_of(&["ls", &server.uri]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "ROWS", "BYTES", "COLUMNS"]);
    assert_eq!((lines[1][0], lines[1][1], lines[1][3]), ("deep/er/wide", "3", "4"));
    assert_eq!((lines[2][0], lines[2][1], lines[2][3]), ("trips", "10150", "4"));
    assert_eq!(lines.len(), 3);
}

#[test]
fn info_describes_a_flight() {
    let (_folder, data, _) = folders();
    let server = Server::start(&data);
    let text = stdout_of(&["info", &server.uri, "deep/er/wide"]);
    for part in ["name   deep/er/wide", "rows   3", "ticket \"deep/er/wide\" at this server", "columns: 4"] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(text.lines().any(|line| line.split_whitespace().eq(["id", "Int64", "not", "null"])), "{text}");
    assert!(text.contains("Timestamp(ms, \"UTC\")"), "{text}");
}

#[test]
fn get_shows_the_first_rows() {
    let (_folder, data, _) = folders();
    let server = Server::start(&data);
    let all = stdout_of(&["get", &server.uri, "deep/er/wide"]);
    assert!(all.contains("| 2  | vendor 2 | 2026-01-01T00:00:00.002Z | a \"b\", c |"), "{all}");
    assert!(all.ends_with("3 rows in all\n"), "{all}");
    let some = stdout_of(&["get", &server.uri, "trips", "--rows", "2"]);
    assert!(some.ends_with("the first 2 rows; there are more\n"), "{some}");
    assert_eq!(some.lines().filter(|line| line.starts_with("| ")).count(), 3, "a header and two rows: {some}");
    let exact = stdout_of(&["get", &server.uri, "deep/er/wide", "--rows", "3"]);
    assert!(exact.ends_with("3 rows in all\n"), "{exact}");
}

#[test]
fn get_writes_every_format() {
    let (_folder, data, out) = folders();
    let server = Server::start(&data);
    let expected =
        rows_of(trips(0, 0).schema(), [trips(0, 100), trips(101, 50), trips(152, 10_000)].into_iter().map(Ok));
    let (arrow, parquet) = (out.join("trips.arrow"), out.join("trips.parquet"));
    for path in [&arrow, &parquet] {
        let said = stdout_of(&["get", &server.uri, "trips", "-o", path.to_str().unwrap()]);
        assert_eq!(said, format!("10150 rows written to {}\n", path.display()));
    }
    let reader = FileReader::try_new(File::open(&arrow).unwrap(), None).unwrap();
    assert_eq!(reader.schema(), trips(0, 0).schema(), "dictionaries stay dictionaries");
    assert_eq!(rows_of(reader.schema(), reader), expected);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&parquet).unwrap()).unwrap();
    assert_eq!(reader.schema(), &trips(0, 0).schema());
    assert_eq!(rows_of(reader.schema().clone(), reader.build().unwrap()), expected);
    assert_eq!(names_in(&out), ["trips.arrow", "trips.parquet"]);
    assert_eq!(fs::metadata(&arrow).unwrap().permissions().mode() & 0o400, 0o400);
}

#[test]
fn get_writes_csv() {
    let (_folder, data, out) = folders();
    let server = Server::start(&data);
    let path = out.join("wide.csv");
    fs::write(&path, "what was there before, and was longer than what comes").unwrap();
    stdout_of(&["get", &server.uri, "deep/er/wide", "--output", path.to_str().unwrap()]);
    let expected = "id,vendor,time,note\n\
        0,,,\"a \"\"b\"\", c\"\n\
        1,vendor 1,2026-01-01T00:00:00.001Z,\n\
        2,vendor 2,2026-01-01T00:00:00.002Z,\"a \"\"b\"\", c\"\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn what_was_written_can_be_served() {
    let (_folder, data, out) = folders();
    let server = Server::start(&data);
    stdout_of(&["get", &server.uri, "trips", "-o", out.join("again.arrow").to_str().unwrap()]);
    let second = Server::start(&out);
    let path = out.join("third.arrow");
    stdout_of(&["get", &second.uri, "again", "-o", path.to_str().unwrap()]);
    let third = FileReader::try_new(File::open(&path).unwrap(), None).unwrap();
    let expected = [trips(0, 100), trips(101, 50), trips(152, 10_000)].into_iter().map(Ok);
    assert_eq!(rows_of(third.schema(), third), rows_of(trips(0, 0).schema(), expected));
}

#[test]
fn a_unix_socket_serves_too() {
    let (folder, data, _) = folders();
    let socket = format!("grpc+unix://{}", folder.path().join("socket").display());
    let server = Server::start_at(&data, &socket);
    assert_eq!(server.uri, socket);
    assert!(stdout_of(&["ls", &socket]).contains("deep/er/wide"));
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn wrong_usage_is_told_before_anything_is_tried() {
    let nowhere = "grpc+tcp://127.0.0.1:1";
    assert!(stderr_of(2, &["get", nowhere, "trips", "-o", "trips.xlsx"]).contains(".parquet, .arrow or .csv"));
    assert!(stderr_of(2, &["get", nowhere, "trips", "-o", "a.csv", "--rows", "3"]).contains("cannot be used with"));
    stderr_of(2, &["ls", "not a location"]);
    stderr_of(2, &["ls"]);
}

#[test]
fn errors_say_what_failed_and_where() {
    let (_folder, data, out) = folders();
    let server = Server::start(&data);
    let error = stderr_of(1, &["info", &server.uri, "nope"]);
    assert!(error.contains("\"nope\"") && error.contains(&server.uri) && error.contains("not found"), "{error}");
    let path = out.join("nope.csv");
    stderr_of(1, &["get", &server.uri, "nope", "-o", path.to_str().unwrap()]);
    assert!(names_in(&out).is_empty(), "no file is left");
    let error = stderr_of(1, &["get", &server.uri, "trips", "-o", out.join("no/x.csv").to_str().unwrap()]);
    assert!(error.contains("cannot write in folder"), "{error}");
    let nowhere = out.join("no").display().to_string();
    let error = stderr_of(1, &["serve", &nowhere, "--listen", "grpc+tcp://127.0.0.1:0"]);
    assert!(error.contains("cannot serve") && error.contains(&nowhere), "{error}");
    let error = stderr_of(1, &["serve", data.to_str().unwrap(), "--listen", &server.uri]);
    assert!(error.contains("cannot listen on") && error.contains("in use"), "{error}");
    server.signal("TERM");
    let uri = server.uri.clone();
    server.wait();
    let error = stderr_of(1, &["ls", &uri]);
    assert!(error.contains("cannot list the flights of") && error.contains("unavailable"), "{error}");
}

#[test]
fn a_broken_file_is_an_error_of_its_own() {
    let (_folder, data, _) = folders();
    fs::write(data.join("bad.arrow"), "not an Arrow file").unwrap();
    let mut server = Server::start(&data);
    assert!(!stdout_of(&["ls", &server.uri]).contains("bad"));
    assert!(server.log_line().contains("left out of the list: data loss: flight \"bad\""));
    for command in ["info", "get"] {
        let error = stderr_of(1, &[command, &server.uri, "bad"]);
        assert!(error.contains("flight \"bad\": stored IPC data: not an Arrow IPC file"), "{error}");
    }
    assert!(stdout_of(&["get", &server.uri, "deep/er/wide"]).ends_with("3 rows in all\n"));
}

#[test]
fn a_download_that_breaks_off_leaves_no_file() {
    let (_folder, data, out) = folders();
    // The last row group is damaged, so the error comes behind rows.
    let path = data.join("trips.parquet");
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).unwrap();
    let (start, length) = footer.metadata().row_group(2).column(0).byte_range();
    file.write_all_at(&vec![0xff; length as usize], start).unwrap();
    let server = Server::start(&data);
    for name in ["a.arrow", "a.parquet", "a.csv"] {
        let target = out.join(name);
        fs::write(&target, "before").unwrap();
        let error = stderr_of(1, &["get", &server.uri, "trips", "-o", target.to_str().unwrap()]);
        assert!(error.contains("flight \"trips\""), "{error}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "before", "{name}");
    }
    assert_eq!(names_in(&out), ["a.arrow", "a.csv", "a.parquet"]);
}

#[test]
fn a_reader_of_stdout_that_goes_away_is_no_error() {
    let (_folder, data, _) = folders();
    let server = Server::start(&data);
    for arguments in [&["ls", &server.uri][..], &["info", &server.uri, "trips"], &["get", &server.uri, "trips"]] {
        let mut child = program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn an_interrupted_download_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    // A server that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("grpc+tcp://{}", silent.local_addr().unwrap());
    let target = out.join("a.arrow");
    let child = program().args(["get", &uri, "a", "-o"]).arg(&target).stderr(Stdio::piped()).spawn().unwrap();
    let connection = silent.accept().unwrap();
    assert_eq!(names_in(&out).len(), 1, "the file is begun, not under its name");
    assert!(!target.exists());
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(1), &b"peregrine: interrupted\n"[..]));
    assert!(names_in(&out).is_empty());
    drop(connection);
}

/// A folder with a flight `large` that is larger than all windows and buffers between server and client.
fn large() -> (tempfile::TempDir, i64) {
    let folder = tempfile::tempdir().unwrap();
    let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![7; 1 << 18])) as ArrayRef)]).unwrap();
    write_arrow(&folder.path().join("large.arrow"), &vec![batch; 32]);
    (folder, 32 << 18)
}

#[tokio::test]
async fn a_running_call_is_drained() {
    let (folder, rows) = large();
    let mut server = Server::start(folder.path());
    let client = FlightClient::connect(server.uri.as_str()).unwrap();
    let mut reader = client.do_get(Ticket::new("large")).await.unwrap();
    server.signal("TERM");
    assert!(server.log_line().contains("signal again"));
    let mut read = 0;
    while let Some(batch) = reader.read_next().await.unwrap() {
        read += batch.num_rows() as i64;
    }
    assert_eq!(read, rows);
    drop((reader, client));
    let (status, log) = server.wait();
    assert_eq!((status.code(), log.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_second_signal_cuts_what_runs() {
    let (folder, _) = large();
    let mut server = Server::start(folder.path());
    let client = FlightClient::connect(server.uri.as_str()).unwrap();
    let mut reader = client.do_get(Ticket::new("large")).await.unwrap();
    server.signal("TERM");
    assert!(server.log_line().contains("signal again"));
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("cut"), "{log}");
    let end = loop {
        match reader.read_next().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(end.is_err(), "a cut stream does not look whole");
}

#[test]
fn help_and_version_are_there() {
    assert!(stdout_of(&["--version"]).starts_with("peregrine "));
    for command in ["serve", "ls", "info", "get"] {
        assert!(stdout_of(&[command, "--help"]).contains("Usage: peregrine"), "{command}");
    }
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn rows_without_columns_are_rows() {
    let (_folder, data, out) = folders();
    let rows = RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &rows).unwrap();
    write_arrow(&data.join("bare.arrow"), &[batch.clone(), batch]);
    let server = Server::start(&data);
    let file = out.join("bare.arrow");
    let said = stdout_of(&["get", &server.uri, "bare", "-o", file.to_str().unwrap()]);
    assert!(said.starts_with("14 rows"), "{said}");
    let read = FileReader::try_new(File::open(&file).unwrap(), None).unwrap();
    assert_eq!(read.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 14);
    assert!(stdout_of(&["get", &server.uri, "bare"]).ends_with("14 rows in all\n"));
}
