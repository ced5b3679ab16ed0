"""The pyarrow client of `cargo xtask bench`: reads a stream to its end and keeps nothing.

Usage: bench_client.py URI ROWS BATCHES. Prints what the reading took. A first short call connects and warms up, as
the client of ours does. Larger frames let gRPC hand over more at a time, which measured as good as the defaults or
better.
"""

import sys

import pyarrow.flight as flight

from bench_usage import Usage

URI, ROWS, BATCHES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
OPTIONS = [("grpc.http2.max_frame_size", 16777215), ("grpc.http2.lookahead_bytes", 16777216)]

client = flight.FlightClient(URI, generic_options=OPTIONS)
client.do_get(flight.Ticket(b"1")).read_all()

start = Usage()
reader = client.do_get(flight.Ticket(str(BATCHES).encode()))
rows = 0
while True:
    try:
        chunk = reader.read_chunk()
    except StopIteration:
        break
    rows += chunk.data.num_rows
    del chunk
measured = start.measure(rows * 32)
if rows != ROWS * BATCHES:
    sys.exit(f"{rows} rows came, expected {ROWS * BATCHES}")
print(measured)
