"""The service that `cargo xtask interop` compares: this one on pyarrow's server, interop_service.rs on ours.

Both do the same for every action and ticket, so that a client that tells them apart has found a fault. Prints
`Server listening on URI`, and stops when its standard input closes. With a folder as its argument it also serves the
files below it, for our client to read.
"""

import pathlib
import sys
import threading
import time

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

from interop_uploads import Uploads

EXTRA = b"\x00\xffextra\x80"
ERRORS = {
    "internal": lambda m: flight.FlightInternalError(m, EXTRA),
    "timed-out": lambda m: flight.FlightTimedOutError(m, EXTRA),
    "cancelled": lambda m: flight.FlightCancelledError(m, EXTRA),
    "failed": lambda m: flight.FlightServerError(m, EXTRA),
    "unauthenticated": lambda m: flight.FlightUnauthenticatedError(m, EXTRA),
    "unauthorized": lambda m: flight.FlightUnauthorizedError(m, EXTRA),
    "unavailable": lambda m: flight.FlightUnavailableError(m, EXTRA),
    "unknown": lambda m: flight.FlightError(m),
    "invalid-argument": lambda m: pa.ArrowInvalid(m),
    "not-found": lambda m: pa.ArrowKeyError(m),
    "unimplemented": lambda m: pa.ArrowNotImplementedError(m),
    "failed-without-extra": lambda m: flight.FlightServerError(m),
}
SCHEMA = pa.schema([pa.field("n", pa.int64(), nullable=False)], metadata={"made": "for interop"})
WORDS = pa.schema([pa.field("word", pa.dictionary(pa.int32(), pa.string()))])
FIRST = pa.array(["foo", "baz", "quux"])
SECOND = pa.array(["something", "else"])
# What a wait in a handler may take at most: the client of a broken server must not hang.
PATIENCE = 20.0


def error(kind):
    return ERRORS[kind](f"{kind}: größer als 1 % ")


def batch(first):
    return pa.record_batch([pa.array([first, first + 1, first + 2], pa.int64())], schema=SCHEMA)


def counted(rows):
    """A batch that counts from 0."""
    return pa.record_batch([pa.arange(0, rows)], schema=SCHEMA)


def words(dictionary):
    keys = pa.array([0, 1, None], pa.int32())
    return pa.record_batch([pa.DictionaryArray.from_arrays(keys, dictionary)], schema=WORDS)


class Headers(flight.ServerMiddleware):
    """Keeps the request's headers for the handler."""

    def __init__(self, headers):
        self.headers = headers


class HeadersFactory(flight.ServerMiddlewareFactory):
    def start_call(self, info, headers):
        return Headers(headers)


class Service(Uploads, flight.FlightServerBase):
    schema = SCHEMA
    batch = staticmethod(batch)
    error = staticmethod(error)

    def __init__(self, folder):
        super().__init__("grpc+tcp://127.0.0.1:0", middleware={"headers": HeadersFactory()})
        self._folder = folder
        self._noticed = set()
        self._lock = threading.Lock()

    def list_flights(self, context, criteria):
        if criteria == b"error":
            yield self._info(flight.FlightDescriptor.for_path("first"))
            raise error("unauthorized")
        for name in ["one", "two"]:
            yield self._info(flight.FlightDescriptor.for_path(name, criteria))

    def get_flight_info(self, context, descriptor):
        if descriptor.command is not None and descriptor.command.startswith(b"error:"):
            raise error(descriptor.command[6:].decode())
        return self._info(descriptor)

    def get_schema(self, context, descriptor):
        if descriptor.command is not None and descriptor.command.startswith(b"error:"):
            raise error(descriptor.command[6:].decode())
        return flight.SchemaResult(SCHEMA)

    def do_get(self, context, ticket):
        name, _, argument = ticket.ticket.decode().partition(":")
        if name == "error":
            raise error(argument)
        if name == "file":
            return flight.RecordBatchStream(self._read(argument))
        if name == "empty":
            return flight.GeneratorStream(SCHEMA, iter([]))
        if name == "batches":
            return flight.GeneratorStream(SCHEMA, iter([batch(0), batch(3)]))
        if name == "large":
            return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(SCHEMA, [counted(1_000_000)]))
        if name == "compressed":
            options = pa.ipc.IpcWriteOptions(compression=argument)
            return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(SCHEMA, [counted(10_000)]), options)
        if name == "metadata":
            return flight.GeneratorStream(SCHEMA, iter([(batch(0), b"zero"), (batch(3), b"\x00\xff"), batch(6)]))
        if name == "late-error":
            return flight.GeneratorStream(SCHEMA, self._late_error(argument))
        if name == "dictionaries":
            # A generator of batches would leave the dictionaries out.
            batches = [words(FIRST), words(FIRST), words(SECOND)]
            return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(WORDS, batches))
        if name == "headers":
            self._echo_headers(context)
            return flight.GeneratorStream(SCHEMA, iter([batch(0)]))
        if name == "endless":
            return flight.GeneratorStream(SCHEMA, self._endless(argument))
        raise pa.ArrowKeyError("no such ticket")

    def do_action(self, context, action):
        name, _, argument = action.type.partition(":")
        if name == "error":
            raise error(argument)
        if name == "echo":
            return iter([action.body.to_pybytes(), b""])
        if name == "late-error":
            return self._late_action_error(argument)
        if name == "headers":
            self._echo_headers(context)
            if argument == "error":
                raise error("unauthorized")
            return iter([b"done"])
        if name == "slow":
            return self._slow(context)
        if name == "noticed":
            with self._lock:
                return iter([b"yes" if argument in self._noticed else b"no"])
        raise pa.ArrowKeyError("no such action")

    def list_actions(self, context):
        return [("echo", "Sends the body back."), ("slow", "Waits for the caller to lose patience.")]

    def _info(self, descriptor):
        endpoint = flight.FlightEndpoint(b"batches", [])
        return flight.FlightInfo(SCHEMA, descriptor, [endpoint], 6, 48, True, b"app")

    def _read(self, name):
        path = self._folder / name
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        with pa.ipc.open_file(path) as reader:
            return reader.read_all()

    @staticmethod
    def _late_error(kind):
        yield batch(0)
        raise error(kind)

    @staticmethod
    def _late_action_error(kind):
        yield b"first"
        raise error(kind)

    def _endless(self, reason):
        try:
            first = 0
            while True:
                yield batch(first)
                first += 3
        finally:
            self._notice(reason)

    def _slow(self, context):
        deadline = time.monotonic() + PATIENCE
        while not context.is_cancelled() and time.monotonic() < deadline:
            time.sleep(0.005)
        if context.is_cancelled():
            self._notice("slow")
        return iter([])

    @staticmethod
    def _echo_headers(context):
        headers = context.get_middleware("headers").headers
        for name in sorted(headers):
            if name.startswith("x-echo-"):
                for value in headers[name]:
                    context.add_header(name, value)
                    context.add_trailer(name.replace("x-echo-", "x-trailer-"), value)

    def _notice(self, what):
        with self._lock:
            self._noticed.add(what)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with Service(folder) as service:
        print(f"Server listening on grpc+tcp://127.0.0.1:{service.port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
