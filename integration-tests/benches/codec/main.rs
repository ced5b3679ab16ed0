//! Benches of the codec: that encoding does not touch bodies, and decoding side by side with arrow-flight's.
//!
//! `cargo bench -p integration-tests --bench codec` measures all and prints a table at the end; a part of a name
//! behind `--` measures what has it in its name, as `decode/utf8`.

mod cases;
mod decoders;
mod encode;
mod stream;
mod table;

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::decoders::{ArrowFlight, Peregrine};
use crate::stream::Stream;

/// The names that the two decoders have in the results.
const NAMES: [&str; 2] = ["peregrine", "arrow-flight"];

fn main() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codec");
    let mut criterion = Criterion::default()
        .output_directory(&results)
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    encode::measure(&mut criterion);
    let streams: Vec<Stream> = cases::all().iter().map(Stream::new).collect();
    streams.iter().for_each(|stream| decode(&mut criterion, stream));
    criterion.final_summary();
    table::print(&results, &streams);
}

/// Times both decoders on the messages of a stream, after a look at whether they read the same out of them.
fn decode(criterion: &mut Criterion, stream: &Stream) {
    let (mut ours, mut theirs) = (Peregrine::new(stream), ArrowFlight::new(stream));
    for _ in 0..2 {
        assert_eq!(ours.next(), stream.batch, "{}", stream.name);
        assert_eq!(theirs.next(), stream.batch, "{}", stream.name);
    }
    let mut group = criterion.benchmark_group(stream.group());
    group.throughput(Throughput::Bytes(stream.bytes() as u64));
    group.bench_function(NAMES[0], |bencher| bencher.iter(|| ours.next()));
    group.bench_function(NAMES[1], |bencher| bencher.iter(|| theirs.next()));
    group.finish();
}
