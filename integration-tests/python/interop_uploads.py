"""Uploads and exchanges of the service of interop_service.py, and what pyarrow's client sees of them.

A command names what the handler does, as `late-error:internal`.
"""

import pyarrow as pa
import pyarrow.flight as flight


class Uploads:
    """DoPut and DoExchange, for a service that has errors, headers and a memory of what it noticed."""

    def do_put(self, context, descriptor, reader, writer):
        name, argument = self._begin(context, descriptor)
        if name == "early":
            return
        rows = 0
        for data, app_metadata in reader:
            rows += 0 if data is None else data.num_rows
            if name == "late-error":
                writer.write(b"first")
                raise self.error(argument)
            if name == "echo" and app_metadata is not None:
                writer.write(app_metadata)
        # To this server an upload that was cancelled looks whole.
        if context.is_cancelled():
            self._notice(argument)
            return
        writer.write(f"{rows} rows of {','.join(reader.schema.names)}".encode())

    def do_exchange(self, context, descriptor, reader, writer):
        name, argument = self._begin(context, descriptor)
        if name == "early":
            return
        if name == "unasked":
            # Metadata before the schema, between batches and behind them, though nothing was sent yet.
            writer.write_metadata(b"before")
            writer.begin(self.schema)
            writer.write_batch(self.batch(0))
            writer.write_metadata(b"between")
            writer.write_with_metadata(self.batch(3), b"beside")
            writer.write_metadata(b"behind")
            return
        if name == "schema":
            writer.begin(self.schema)
            return
        self._echo(name, argument, reader, writer)
        if context.is_cancelled():
            self._notice(argument)

    def _begin(self, context, descriptor):
        if descriptor.command is None:
            raise NotImplementedError
        name, _, argument = descriptor.command.decode().partition(":")
        if name == "error":
            raise self.error(argument)
        if name == "headers":
            self._echo_headers(context)
        return name, argument

    def _echo(self, name, argument, reader, writer):
        begun = False
        for data, app_metadata in reader:
            if data is not None and not begun:
                writer.begin(data.schema)
                begun = True
            if data is None:
                writer.write_metadata(app_metadata)
            elif app_metadata is None:
                writer.write_batch(data)
            else:
                writer.write_with_metadata(data, app_metadata)
            if name == "late-error":
                raise self.error(argument)


class Client:
    """The client's side: `see` gives a check's name and what it is that runs it."""

    def __init__(self, client, options, batches, kinds, error_of, with_headers, wait_until_noticed):
        self._client = client
        self._options = options
        self._batches = batches
        self._kinds = kinds
        self._error_of = error_of
        self._with_headers = with_headers
        self._wait_until_noticed = wait_until_noticed

    def see(self):
        yield "DoPut without batches", lambda: self._put("echo", [])
        yield "DoPut of two batches", lambda: self._put("echo", [(batch, None) for batch in self._batches])
        numbered = [(batch, str(index).encode()) for index, batch in enumerate(self._batches)]
        yield "DoPut with app_metadata", lambda: self._put("echo", numbered)
        mixed = [(None, b"before"), numbered[0], (None, b"\x00\xff"), (self._batches[1], None), (None, b"behind")]
        yield "DoPut of batches and of metadata alone", lambda: self._put("echo", mixed)
        yield "DoPut that the server ends well before it has read it", lambda: self._put("early", [])
        yield "DoPut with headers and trailers", lambda: self._with_headers(
            lambda options: self._put("headers", numbered, options)
        )
        for kind in self._kinds:
            yield f"error from DoPut: {kind}", lambda: self._put(f"error:{kind}", [])
            yield f"error in the middle of DoPut: {kind}", lambda: self._late_put(kind)
            yield f"error from DoExchange: {kind}", lambda: self._exchange(f"error:{kind}", [])
            yield f"error in the middle of DoExchange: {kind}", lambda: self._exchange(f"late-error:{kind}", numbered[:1])
        yield "DoExchange that sends back what comes", lambda: self._exchange("echo", mixed)
        yield "DoExchange of metadata alone", lambda: self._exchange("echo", [(None, b"one"), (None, b"two")])
        yield "DoExchange of nothing", lambda: self._exchange("echo", [])
        yield "DoExchange whose server sends unasked", lambda: self._exchange("unasked", [])
        yield "DoExchange whose server sends a schema alone", lambda: self._exchange("schema", [])
        yield "DoExchange that the server ends well before it has read it", lambda: self._exchange("early", [])
        yield "DoExchange with headers and trailers", lambda: self._with_headers(
            lambda options: self._exchange("headers", numbered, options)
        )
        yield "cancel of a DoExchange, noticed by the server", self._cancel_exchange
        yield "timeout of a DoPut, noticed by the server", self._time_out_put

    def _put(self, command, chunks, options=None):
        """All answers, and how the call ended. Each chunk that is answered waits for its answer."""
        descriptor = flight.FlightDescriptor.for_command(command)
        writer, reader = self._client.do_put(descriptor, self._batches[0].schema, options or self._options)
        answers = []

        def write_all():
            for data, app_metadata in chunks:
                write(writer, data, app_metadata)
                if command == "echo" and app_metadata is not None:
                    answers.append(hexadecimal(reader.read()))
            writer.done_writing()
            while (answer := reader.read()) is not None:
                answers.append(hexadecimal(answer))

        end = self._error_of(write_all)
        return {"answers": answers, "end": end["type"], "close": self._error_of(writer.close)}

    def _late_put(self, kind):
        descriptor = flight.FlightDescriptor.for_command(f"late-error:{kind}")
        writer, reader = self._client.do_put(descriptor, self._batches[0].schema, self._options)
        writer.write_batch(self._batches[0])
        answer = hexadecimal(reader.read())
        return {"answer": answer, "end": self._error_of(reader.read)["type"], "close": self._error_of(writer.close)}

    def _exchange(self, command, chunks, options=None):
        """All chunks that come, and how the call ended."""
        descriptor = flight.FlightDescriptor.for_command(command)
        writer, reader = self._client.do_exchange(descriptor, options or self._options)
        came = []

        def write_and_read():
            begun = False
            for data, app_metadata in chunks:
                if data is not None and not begun:
                    writer.begin(data.schema)
                    begun = True
                write(writer, data, app_metadata)
            writer.done_writing()
            while True:
                data, app_metadata = reader.read_chunk()
                came.append([None if data is None else data.to_pydict(), hexadecimal(app_metadata)])

        end = self._error_of(write_and_read)
        stats = list(reader.stats)
        return {"came": came, "end": end["type"], "stats": stats, "close": self._error_of(writer.close)}

    def _time_out_put(self):
        descriptor = flight.FlightDescriptor.for_command("echo:put")
        options = flight.FlightCallOptions(timeout=0.2)
        writer, reader = self._client.do_put(descriptor, self._batches[0].schema, options)
        error = self._error_of(reader.read)["type"] or self._error_of(writer.close)["type"]
        return {"type": error, "noticed": self._wait_until_noticed(self._client, "put")}

    def _cancel_exchange(self):
        descriptor = flight.FlightDescriptor.for_command("echo:exchange")
        writer, reader = self._client.do_exchange(descriptor, self._options)
        writer.write_metadata(b"first")
        first = hexadecimal(reader.read_chunk().app_metadata)
        reader.cancel()
        error = self._error_of(reader.read_chunk)
        return {"first": first, "type": error["type"], "noticed": self._wait_until_noticed(self._client, "exchange")}


def write(writer, data, app_metadata):
    if data is None:
        writer.write_metadata(app_metadata)
    elif app_metadata is None:
        writer.write_batch(data)
    else:
        writer.write_with_metadata(data, app_metadata)


def hexadecimal(buffer):
    return None if buffer is None else buffer.to_pybytes().hex()
