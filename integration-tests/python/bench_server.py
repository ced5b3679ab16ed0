"""The pyarrow server of `cargo xtask bench`: sends one batch of four int64 columns again and again, takes batches, or
sends back what comes.

Usage: bench_server.py ROWS. The ticket of a DoGet is the number of batches. Stops when its standard input closes, and
then prints what it used. The batches of a DoGet come from C++ without a Python call a batch, which measured best or
equal to best of what pyarrow offers (table, generator, reader).
"""

import itertools
import sys

import pyarrow as pa
import pyarrow.flight as flight

from bench_usage import Usage, batch_of

ROWS = int(sys.argv[1])
BATCH = batch_of(ROWS)


class Server(flight.FlightServerBase):
    """Serves the three RPCs that move data."""

    # Those of an echo count once.
    rows = 0

    def do_get(self, context, ticket):
        count = int(ticket.ticket)
        self.rows += count * ROWS
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(BATCH.schema, itertools.repeat(BATCH, count)))

    def do_put(self, context, descriptor, reader, writer):
        rows = 0
        for chunk in reader:
            rows += chunk.data.num_rows
            del chunk
        self.rows += rows
        writer.write(str(rows).encode())

    def do_exchange(self, context, descriptor, reader, writer):
        writer.begin(reader.schema)
        for chunk in reader:
            self.rows += chunk.data.num_rows
            writer.write_batch(chunk.data)
            del chunk


server = Server("grpc+tcp://127.0.0.1:0")
start = Usage()
print(f"Server listening on grpc+tcp://127.0.0.1:{server.port}", flush=True)
sys.stdin.read()
print(start.measure(server.rows * 32), flush=True)
server.shutdown()
