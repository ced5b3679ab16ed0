"""The pyarrow client of `cargo xtask bench`: moves batches and keeps nothing.

Usage: bench_client.py CASE URI ROWS BATCHES, CASE being do_get, do_put or do_exchange. Prints what the moving took. A
first short call connects and warms up, as the client of ours does. Larger frames let gRPC hand over more at a time,
which measured as good as the defaults or better.
"""

import sys
import threading

import pyarrow.flight as flight

from bench_usage import Usage, batch_of

CASE, URI, ROWS, BATCHES = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
OPTIONS = [("grpc.http2.max_frame_size", 16777215), ("grpc.http2.lookahead_bytes", 16777216)]
DESCRIPTOR = flight.FlightDescriptor.for_path("bench")

client = flight.FlightClient(URI, generic_options=OPTIONS)
batch = batch_of(ROWS)


def rows_of(reader):
    """Reads to the end and counts."""
    rows = 0
    while True:
        try:
            chunk = reader.read_chunk()
        except StopIteration:
            return rows
        rows += chunk.data.num_rows
        del chunk


def do_get(batches):
    return rows_of(client.do_get(flight.Ticket(str(batches).encode())))


def do_put(batches):
    writer, results = client.do_put(DESCRIPTOR, batch.schema)
    for _ in range(batches):
        writer.write_batch(batch)
    writer.done_writing()
    rows = int(results.read().to_pybytes())
    writer.close()
    return rows


def do_exchange(batches):
    writer, reader = client.do_exchange(DESCRIPTOR)

    def write():
        writer.begin(batch.schema)
        for _ in range(batches):
            writer.write_batch(batch)
        writer.done_writing()

    writing = threading.Thread(target=write)
    writing.start()
    rows = rows_of(reader)
    writing.join()
    writer.close()
    return rows


run = {"do_get": do_get, "do_put": do_put, "do_exchange": do_exchange}[CASE]
run(1)
start = Usage()
moved = run(BATCHES)
measured = start.measure(moved * 32)
if moved != ROWS * BATCHES:
    sys.exit(f"{moved} rows were moved, expected {ROWS * BATCHES}")
print(measured)
