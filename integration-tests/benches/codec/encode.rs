//! Encoding: the same time for any number of rows, as bodies are shared and not looked at.

use arrow_array::RecordBatch;
use criterion::{BenchmarkId, Criterion};
use peregrine::ipc::{Encoder, IpcWriteOptions};

use crate::cases;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode/4 x int64");
    for rows in [1 << 10, 8 << 10, 64 << 10, 1 << 20] {
        let batch = cases::int64(rows);
        group.bench_function(BenchmarkId::from_parameter(rows), |bencher| {
            let mut encode = encoder(&batch);
            bencher.iter(&mut encode);
        });
    }
    group.finish();
    let batch = cases::columns_100(64);
    criterion.bench_function("encode/100 columns of 64 rows", |bencher| {
        let mut encode = encoder(&batch);
        bencher.iter(&mut encode);
    });
}

/// Encodes the batch as one message, and drops that.
fn encoder(batch: &RecordBatch) -> impl FnMut() {
    let mut encoder = Encoder::new(batch.schema(), IpcWriteOptions::default()).unwrap();
    let mut messages = Vec::new();
    move || {
        encoder.encode(batch, &mut messages).unwrap();
        messages.clear();
    }
}
