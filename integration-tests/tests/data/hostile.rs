//! Hostile data: each file ends in errors or in valid batches, through the decoder and through uploads to a live server
//! that then serves on, in bounded memory and time.

use std::env;
use std::fs;
use std::io::Write;
use std::panic;
use std::process::{self, Command};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arrow_array::{Array, RecordBatch};
use arrow_data::ArrayData;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use integration_tests::Usage;
use peregrine::ipc::{Decoded, IpcWriteOptions};
use peregrine::stream::Table;
use peregrine_testkit::batches;

use crate::difference::{MapNames, check};
use crate::folders::HOSTILE;
use crate::live::Live;
use crate::messages::{self, Message, decoder, validate};
use crate::scavenge::scavenge;

/// Set in the process that reads the files.
const CHILD: &str = "PEREGRINE_HOSTILE_CHILD";

/// The most memory that process may ever hold.
const PEAK: u64 = 256 << 20;

/// What takes longer for one file hangs.
const DEADLINE: Duration = Duration::from_secs(120);

#[test]
fn hostile_data_ends_in_errors_or_valid_batches_within_256_mib() {
    match env::var_os(CHILD) {
        Some(_) => read_all_here(),
        None if HOSTILE.files(|_| true).is_empty() => {}
        None => read_all_in_a_process_of_its_own(),
    }
}

/// An abort ends it alone, and what it holds is not what other tests hold.
fn read_all_in_a_process_of_its_own() {
    let test = "hostile::hostile_data_ends_in_errors_or_valid_batches_within_256_mib";
    let mut command = Command::new(env::current_exe().unwrap());
    let output = command.args([test, "--exact", "--nocapture"]).env(CHILD, "1").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    println!("{}", out.lines().find(|line| line.starts_with(SUMMARY)).expect("the process read the files"));
}

const SUMMARY: &str = "hostile files: ";

fn read_all_here() {
    let panics = count_panics();
    let files = HOSTILE.files(|_| true);
    let watch = watch();
    let usage = Usage::now();
    let mut failures = Vec::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let live = Arc::new(Live::start());
        for path in &files {
            let name = path.display().to_string();
            watch.send(name.clone()).unwrap();
            // What comes last was the end of a process that ends here.
            let before = usage.measure().peak;
            println!("{name} ({} KiB of memory so far)", before.unwrap_or_default() >> 10);
            let bytes = Bytes::from(fs::read(path).unwrap());
            let live = live.clone();
            let read = tokio::spawn(async move { read(&bytes, &live).await });
            let outcome = read.await.unwrap_or_else(|error| Err(error.to_string()));
            failures.extend(
                outcome.err().into_iter().chain(panics.lock().unwrap().drain(..)).map(|why| format!("{name}: {why}")),
            );
            let after = usage.measure().peak;
            if before.zip(after).is_some_and(|(before, after)| before < PEAK && after >= PEAK) {
                failures.push(format!("{name}: {} KiB of memory", after.unwrap_or_default() >> 10));
            }
        }
    });
    let measured = usage.measure();
    let peak = match measured.peak {
        Some(peak) => format!("peak memory {:.1} MiB", peak as f64 / f64::from(1 << 20)),
        None => "peak memory not known on this system".to_owned(),
    };
    assert!(failures.is_empty(), "{} failures, {peak}:\n{}", failures.len(), failures.join("\n"));
    println!("{SUMMARY}{}, {peak}, {:.1} s", files.len(), measured.elapsed.as_secs_f64());
}

/// Panics anywhere in the process, those that the server answers as errors too.
fn count_panics() -> Arc<Mutex<Vec<String>>> {
    let panics = Arc::new(Mutex::new(Vec::new()));
    let (seen, before) = (panics.clone(), panic::take_hook());
    panic::set_hook(Box::new(move |panic| {
        seen.lock().unwrap().push(panic.to_string());
        before(panic);
    }));
    panics
}

/// Takes the name of each file as it begins, and ends the process if none follows in time.
fn watch() -> mpsc::Sender<String> {
    let (sender, names) = mpsc::channel();
    thread::spawn(move || {
        let mut name = String::new();
        loop {
            match names.recv_timeout(DEADLINE) {
                Ok(next) => name = next,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = writeln!(std::io::stderr(), "{name}: hangs");
                    process::exit(1);
                }
            }
        }
    });
    sender
}

async fn read(bytes: &Bytes, live: &Live) -> Result<(), String> {
    // As a reader sees it, who gives up at the first error, and then all that is in it.
    decode_all(&messages::read(bytes).unwrap_or_default())?;
    let messages = scavenge(bytes);
    let accepted = decode_all(&messages)?;
    // An error is as good as the end: what it must not be is a panic, which is counted, or a hang, which is one.
    let _ = live.check_messages(&messages).await;
    let first_header = messages.first().map_or_else(Bytes::new, |(header, _)| header.clone());
    for message in [(bytes.clone(), Bytes::new()), (Bytes::new(), bytes.clone()), (first_header, bytes.clone())] {
        let _ = live.check_messages(&[message]).await;
    }
    accepted.up_and_down(live).await?;
    let good = Table::new(batches::one_per_type()[0].schema(), batches::one_per_type());
    let table = live
        .table_up_and_down(&good, IpcWriteOptions::default())
        .await
        .map_err(|error| format!("no service afterwards: {error}"))?;
    check(&good, &table, MapNames::Count).map_err(|error| format!("afterwards: {error}"))
}

/// What the decoder took.
#[derive(Default)]
struct Accepted {
    schema: Option<SchemaRef>,
    messages: Vec<Message>,
    /// As long as they are small.
    batches: Vec<RecordBatch>,
    bytes: usize,
}

/// A little decompresses to a lot, and is not to be held by us on top of those that are tested. It would come back in
/// pieces, too.
const SMALL: usize = 2 << 20;

/// Decodes all messages, also those behind one that is refused.
fn decode_all(messages: &[Message]) -> Result<Accepted, String> {
    let mut decoder = decoder();
    let mut accepted = Accepted::default();
    for message @ (header, body) in messages {
        let Ok(decoded) = decoder.decode(header, body.clone()) else { continue };
        if let Decoded::RecordBatch(batch) = decoded {
            validate(&batch).map_err(|error| format!("a batch is not valid: {error}"))?;
            accepted.keep(batch);
        }
        accepted.messages.push(message.clone());
    }
    accepted.schema = decoder.schema().cloned();
    Ok(accepted)
}

/// The rows of an array and all within: they need not take bytes, but to compare them takes time.
fn rows(data: &ArrayData) -> usize {
    data.child_data().iter().map(rows).fold(data.len(), usize::saturating_add)
}

impl Accepted {
    fn keep(&mut self, batch: RecordBatch) {
        let rows = batch.columns().iter().map(|column| rows(&column.to_data())).fold(0, usize::saturating_add);
        self.bytes = self.bytes.saturating_add(batch.get_array_memory_size().max(rows));
        match self.bytes <= SMALL {
            true => self.batches.push(batch),
            false => self.batches.clear(),
        }
    }

    /// What the decoder takes a server takes too, and gives it back.
    async fn up_and_down(self, live: &Live) -> Result<(), String> {
        let Some(schema) = self.schema else { return Ok(()) };
        let refused = |error| format!("the server refuses what the decoder reads: {error}");
        live.check_messages(&self.messages).await.map_err(refused)?;
        if self.bytes > SMALL {
            return Ok(());
        }
        let table = live.messages_up_and_down(&self.messages).await.map_err(refused)?;
        let difference = check(&Table::new(schema, self.batches), &table, MapNames::Count);
        difference.map_err(|error| format!("up and down: {error}"))
    }
}
