"""The pyarrow server of `cargo xtask bench`: sends one batch of four int64 columns again and again.

Usage: bench_server.py ROWS. The ticket is the number of batches. Stops when its standard input closes, and then
prints what it used. The batches come from C++ without a Python call a batch, which measured best or equal to best
of what pyarrow offers (table, generator, reader).
"""

import itertools
import sys

import pyarrow as pa
import pyarrow.flight as flight

from bench_usage import Usage

ROWS = int(sys.argv[1])
SCHEMA = pa.schema([pa.field(f"c{column}", pa.int64(), nullable=False) for column in range(4)])
BATCH = pa.record_batch([pa.arange(column, column + ROWS * 31, 31) for column in range(4)], schema=SCHEMA)


class Server(flight.FlightServerBase):
    """Serves DoGet alone."""

    sent = 0

    def do_get(self, context, ticket):
        count = int(ticket.ticket)
        self.sent += count
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(SCHEMA, itertools.repeat(BATCH, count)))


server = Server("grpc+tcp://127.0.0.1:0")
start = Usage()
print(f"Server listening on grpc+tcp://127.0.0.1:{server.port}", flush=True)
sys.stdin.read()
print(start.measure(server.sent * ROWS * 32), flush=True)
server.shutdown()
