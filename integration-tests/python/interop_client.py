"""What pyarrow's client sees of the service of interop_service.py, a line of JSON a check.

Usage: interop_client.py URI [own]. `cargo xtask interop` runs it against pyarrow's server and against ours and compares
what was seen: types and texts of exceptions, extra_info, headers, trailers, data. What the two servers may word in
their own way is left out here. With `own` come the kinds of error that only our server has.
"""

import json
import re
import sys
import time
import traceback

import pyarrow as pa
import pyarrow.flight as flight

from interop_uploads import Client

KINDS = [
    "internal",
    "timed-out",
    "cancelled",
    "failed",
    "unauthenticated",
    "unauthorized",
    "unavailable",
    "unknown",
    "invalid-argument",
    "not-found",
    "unimplemented",
    "failed-without-extra",
]
STACK = re.compile(r"\. Detail: Python exception: Traceback .*?\n(?=$|\. gRPC client|\. Client context)", re.DOTALL)
NUMBERS = pa.schema([pa.field("n", pa.int64(), nullable=False)], metadata={"made": "for interop"})
# What a wait for the server may take at most.
PATIENCE = 20.0
OPTIONS = flight.FlightCallOptions(timeout=60)


class Headers(flight.ClientMiddleware):
    """Keeps what a call's headers and trailers held."""

    seen = []

    def received_headers(self, headers):
        ours = {name: values for name, values in headers.items() if name.startswith(("x-echo-", "x-trailer-"))}
        Headers.seen.append({name: [plain(value) for value in values] for name, values in sorted(ours.items())})


class HeadersFactory(flight.ClientMiddlewareFactory):
    def start_call(self, info):
        return Headers()


def plain(value):
    return value if isinstance(value, str) else value.hex()


def error_of(call):
    """The exception of a call. The stack that a Python server adds to Python's own exceptions is cut out."""
    try:
        call()
    except Exception as error:  # pylint: disable=broad-except
        text = STACK.sub("", str(error))
        extra = getattr(error, "extra_info", None)
        return {"type": type(error).__name__, "text": text, "extra_info": None if extra is None else extra.hex()}
    return {"type": None}


def wait_until_noticed(client, what):
    """Whether the server noticed in time that a call has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        [answer] = client.do_action(f"noticed:{what}", OPTIONS)
        if answer.body.to_pybytes() == b"yes":
            return True
        time.sleep(0.01)
    return False


def info(of):
    return {
        "schema": str(of.schema),
        "descriptor": str(of.descriptor),
        "endpoints": [str(endpoint) for endpoint in of.endpoints],
        "totals": [of.total_records, of.total_bytes],
        "ordered": of.ordered,
        "app_metadata": of.app_metadata.hex(),
    }


def table(of):
    return {"schema": of.schema.to_string(), "rows": of.to_pydict()}


def chunks(reader):
    seen = []
    while True:
        try:
            chunk = reader.read_chunk()
        except StopIteration:
            return seen
        metadata = None if chunk.app_metadata is None else chunk.app_metadata.to_pybytes().hex()
        seen.append([chunk.data.to_pydict(), metadata])


def counted(client, ticket):
    """How many rows came, and whether they count from 0: how they are cut into batches is the server's own."""
    came = client.do_get(flight.Ticket(ticket), OPTIONS).read_all()
    came.validate(full=True)
    counts = came.column(0).combine_chunks().equals(pa.arange(0, came.num_rows))
    return {"schema": came.schema.to_string(), "rows": came.num_rows, "counts": counts}


def dictionaries(client):
    """The values, and what the reader counted: messages, batches, dictionaries, deltas, replacements."""
    reader = client.do_get(flight.Ticket(b"dictionaries"), OPTIONS)
    at_open = reader.stats.num_messages
    seen = chunks(reader)
    return {"at_open": at_open, "chunks": seen, "stats": list(reader.stats)}


def with_headers(call):
    """How a call ends that sends headers, and what came back: names tell what was sent as a trailer."""
    sent = [
        (b"x-echo-text", b"one"),
        (b"x-echo-text", b"two"),
        (b"x-echo-odd", b"a,b; c=d  e"),
        (b"x-echo-raw-bin", b"\x00\x01\xfe\xff"),
        (b"x-echo-empty-bin", b""),
    ]
    Headers.seen.clear()
    end = error_of(lambda: call(flight.FlightCallOptions(timeout=60, headers=sent)))
    return {"end": end, "headers": {name: values for seen in Headers.seen for name, values in seen.items()}}


def action_errors(client):
    for kind in KINDS:
        yield f"error from DoAction: {kind}", lambda: error_of(lambda: list(client.do_action(f"error:{kind}", OPTIONS)))


def call_errors(client):
    command = flight.FlightDescriptor.for_command
    for kind in ["unauthorized", "not-found", "unimplemented"]:
        body = f"error:{kind}".encode()
        yield f"error from GetFlightInfo: {kind}", lambda: error_of(lambda: client.get_flight_info(command(body), OPTIONS))
        if kind != "unauthorized":
            # From GetSchema pyarrow's server does not let the kinds of Flight through.
            yield f"error from GetSchema: {kind}", lambda: error_of(lambda: client.get_schema(command(body), OPTIONS))
        yield f"error from DoGet: {kind}", lambda: error_of(lambda: client.do_get(flight.Ticket(body), OPTIONS))
    yield "unknown action", lambda: error_of(lambda: list(client.do_action("nothing", OPTIONS)))
    yield "unknown ticket", lambda: error_of(lambda: client.do_get(flight.Ticket(b"nothing"), OPTIONS))


def late_errors(client):
    def list_flights():
        # This client reads a listing to its end before it shows the first flight.
        return error_of(lambda: list(client.list_flights(b"error", OPTIONS)))

    def do_get(kind):
        reader = client.do_get(flight.Ticket(f"late-error:{kind}".encode()), OPTIONS)
        first = reader.read_chunk().data.to_pydict()
        return {"first": first, "end": error_of(reader.read_chunk)}

    def do_action(kind):
        results = client.do_action(f"late-error:{kind}", OPTIONS)
        return {"first": next(results).body.to_pybytes().hex(), "end": error_of(lambda: next(results))}

    yield "error after the first of ListFlights", list_flights
    for kind in ["internal", "unauthenticated", "invalid-argument"]:
        yield f"error in the middle of DoGet: {kind}", lambda: do_get(kind)
        yield f"error in the middle of DoAction: {kind}", lambda: do_action(kind)


def headers(client):
    def call(action):
        return with_headers(lambda options: list(client.do_action(action, options)))

    yield "headers and trailers of a call that succeeds", lambda: call("headers:")
    yield "headers and trailers of a call that fails", lambda: call("headers:error")
    yield "headers and trailers of a DoGet", lambda: with_headers(
        lambda options: client.do_get(flight.Ticket(b"headers"), options).read_all()
    )


def endings(client):
    def timeout():
        options = flight.FlightCallOptions(timeout=0.2)
        error = error_of(lambda: list(client.do_action("slow", options)))
        return {"type": error["type"], "noticed": wait_until_noticed(client, "slow")}

    def cancel():
        reader = client.do_get(flight.Ticket(b"endless:cancel"), OPTIONS)
        first = [reader.read_chunk().data.to_pydict() for _ in range(3)]
        reader.cancel()

        def read_on():
            while True:
                reader.read_chunk()

        error = error_of(read_on)
        return {"first": first, "type": error["type"], "noticed": wait_until_noticed(client, "cancel")}

    yield "timeout of the client, noticed by the server", timeout
    yield "cancel by the client, noticed by the server", cancel


def data(client):
    path = flight.FlightDescriptor.for_path
    yield "ListFlights with criteria", lambda: [info(of) for of in client.list_flights(b"criteria", OPTIONS)]
    yield "GetFlightInfo of a path", lambda: info(client.get_flight_info(path("a", "ü", ""), OPTIONS))
    command = flight.FlightDescriptor.for_command(b"\x00\xff")
    yield "GetFlightInfo of a command", lambda: info(client.get_flight_info(command, OPTIONS))
    yield "GetSchema", lambda: client.get_schema(path("a"), OPTIONS).schema.to_string()
    yield "DoGet of two batches", lambda: table(client.do_get(flight.Ticket(b"batches"), OPTIONS).read_all())
    yield "DoGet without batches", lambda: table(client.do_get(flight.Ticket(b"empty"), OPTIONS).read_all())
    yield "DoGet of a batch of 8 MB", lambda: counted(client, b"large")
    yield "DoGet compressed with LZ4", lambda: counted(client, b"compressed:lz4")
    yield "DoGet compressed with ZSTD", lambda: counted(client, b"compressed:zstd")
    yield "DoGet with app_metadata", lambda: chunks(client.do_get(flight.Ticket(b"metadata"), OPTIONS))
    yield "DoGet of a dictionary that is kept and replaced", lambda: dictionaries(client)
    body = bytes(range(256)) * 20_000
    echo = lambda: [hash(result.body.to_pybytes()) == hash(body) for result in client.do_action(("echo", body), OPTIONS)]
    yield "DoAction with a body of 5 MB", echo
    yield "DoAction with an empty body", lambda: [r.body.to_pybytes().hex() for r in client.do_action("echo", OPTIONS)]
    yield "ListActions", lambda: [list(of) for of in client.list_actions(OPTIONS)]


def uploads(client):
    batches = [pa.record_batch([pa.array(range(first, first + 3), pa.int64())], schema=NUMBERS) for first in [0, 3]]
    return Client(client, OPTIONS, batches, KINDS, error_of, with_headers, wait_until_noticed).see()


def own(client):
    """Kinds that a pyarrow server cannot raise: judged here and not compared."""
    expected = {
        "already-exists": "ArrowException",
        "resource-exhausted": "ArrowCapacityError",
        "failed-precondition": "ArrowInvalid",
        "aborted": "FlightInternalError",
        "out-of-range": "ArrowIndexError",
        "data-loss": "FlightInternalError",
    }
    for kind, wanted in expected.items():
        error = error_of(lambda: list(client.do_action(f"error:{kind}", OPTIONS)))
        ok = error["type"] == wanted and kind in error["text"]
        yield f"error from DoAction: {kind}", None if ok else f"expected {wanted}, got {error}"


def absent(client):
    """What neither service has: the type must agree, the text is the server's own."""
    path = flight.FlightDescriptor.for_path("a")

    def do_put():
        writer, _ = client.do_put(path, pa.schema([]), OPTIONS)
        writer.close()

    def do_exchange():
        _, reader = client.do_exchange(path, OPTIONS)
        reader.read_chunk()

    yield "DoPut where there is none", lambda: error_of(do_put)["type"]
    yield "DoExchange where there is none", lambda: error_of(do_exchange)["type"]
    yield "Handshake where there is none", lambda: error_of(lambda: client.authenticate_basic_token("a", "b"))["type"]


def main():
    client = flight.FlightClient(sys.argv[1], middleware=[HeadersFactory()])
    client.wait_for_available(timeout=20)
    for check, fault in own(client) if "own" in sys.argv[2:] else []:
        print(json.dumps({"check": check, "fault": fault}), flush=True)
    for group in [data, action_errors, call_errors, late_errors, headers, uploads, endings, absent]:
        for check, see in group(client):
            line = {"check": check}
            try:
                line["saw"] = see()
            except Exception:  # pylint: disable=broad-except
                line["fault"] = traceback.format_exc()
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
