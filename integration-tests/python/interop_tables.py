"""Random tables through pyarrow and back, as the program interop_tables is the other side of.

Usage: interop_tables.py serve, which keeps what is put and gives it back; it prints `Server listening on URI`, and stops
when its standard input closes. Or interop_tables.py URI, which puts back what it reads there, and the server compares it:
a line of JSON a check.
"""

import json
import sys
import traceback

import pyarrow as pa
import pyarrow.flight as flight

OPTIONS = flight.FlightCallOptions(timeout=60)
# How many tables a type is tried with by itself, and how many there are of all that went through.
SEEDS_ALONE = 3
SEEDS_TOGETHER = 100


def read(reader):
    batches = [chunk.data for chunk in reader]
    for batch in batches:
        batch.validate(full=True)
    return batches


class Tables(flight.FlightServerBase):
    """The last table of each name."""

    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self._tables = {}

    def do_put(self, context, descriptor, reader, writer):
        name = b"/".join(descriptor.path)
        self._tables[name] = (reader.schema, read(reader))

    def do_get(self, context, ticket):
        schema, batches = self._tables.pop(ticket.ticket)
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(schema, batches))


def read_and_put(client, name):
    reader = client.do_get(flight.Ticket("/".join(name)), OPTIONS)
    batches = read(reader)
    writer, _ = client.do_put(flight.FlightDescriptor.for_path(*name), reader.schema, OPTIONS)
    for batch in batches:
        writer.write_batch(batch)
    writer.close()


def report(check, client, names):
    """Whether all of the tables went through."""
    came = {"check": check, "fault": None}
    try:
        for name in names:
            read_and_put(client, name)
    except pa.ArrowNotImplementedError as error:
        came = {"check": check, "lacking": str(error)}
    except Exception:  # pylint: disable=broad-except
        came = {"check": check, "fault": traceback.format_exc()}
    print(json.dumps(came), flush=True)
    return came.get("fault", "lacks it") is None


def main():
    if sys.argv[1] == "serve":
        with Tables() as server:
            print(f"Server listening on grpc+tcp://127.0.0.1:{server.port}", flush=True)
            sys.stdin.read()
        return
    with flight.FlightClient(sys.argv[1]) as client:
        kinds = [info.descriptor.path[0].decode() for info in client.list_flights(b"", OPTIONS)]
        alone = lambda kind: [("alone", kind, str(seed)) for seed in range(SEEDS_ALONE)]
        through = [kind for kind in kinds if report(f"type {kind}", client, alone(kind))]
        together = [("together", "+".join(through), str(seed)) for seed in range(SEEDS_TOGETHER)]
        report(f"{SEEDS_TOGETHER} random tables of these types", client, together)


if __name__ == "__main__":
    main()
