"""The servers of pyarrow's own tests of Flight, for our client to be tested with.

Prints a line of JSON: where each of them is, by its class and its options. Stops when its standard input closes.
"""

import json
import os
import sys
import tempfile

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.tests.test_flight as test_flight

V4 = pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4)
DELTAS = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)


class FailServer(flight.FlightServerBase):
    """As in test_write_error_propagation."""

    def do_put(self, context, descriptor, reader, writer):
        raise flight.FlightCancelledError("foo", extra_info=b"bar")

    def do_exchange(self, context, descriptor, reader, writer):
        raise flight.FlightCancelledError("foo", extra_info=b"bar")


class DeltaFlightServer(flight.FlightServerBase):
    """As in test_flight_dictionary_deltas_do_exchange: what it read decides whether it goes on."""

    def do_exchange(self, context, descriptor, reader, writer):
        deltas = descriptor.command == b"dict_deltas"
        table = test_flight.simple_dicts_table()
        if not reader.read_all().equals(table):
            raise pa.ArrowInvalid("the table differs")
        if list(reader.stats) != [6, 3, 2, int(deltas), int(not deltas)]:
            raise pa.ArrowInvalid(f"stats {reader.stats}")
        writer.begin(table.schema, options=DELTAS if deltas else None)
        writer.write_table(table)


class LargeMetadataFlightServer(test_flight.LargeMetadataFlightServer):
    """Makes its 2 GiB when they are asked for."""

    def __init__(self, location):
        flight.FlightServerBase.__init__(self, location)

    @property
    def _metadata(self):
        return b" " * (2**31 + 1)


class LateServer(flight.FlightServerBase):
    """Starts a server where nobody listens yet, as test_client_wait_for_available does."""

    started = []

    def do_action(self, context, action):
        self.started.append(flight.FlightServerBase(action.type))
        return []


def main():
    servers = {
        "FlightServerBase": flight.FlightServerBase,
        "ConstantFlightServer": test_flight.ConstantFlightServer,
        "ConstantFlightServer V4": lambda location: test_flight.ConstantFlightServer(location, options=V4),
        "ConstantFlightServer expected IpcWriteOptions": lambda location: test_flight.ConstantFlightServer(location, options=42),
        "CheckTicketFlightServer": lambda location: test_flight.CheckTicketFlightServer(b"the-ticket", location),
        "MetadataFlightServer": lambda location: test_flight.MetadataFlightServer(location=location),
        "MetadataFlightServer V4": lambda location: test_flight.MetadataFlightServer(V4, location=location),
        "EchoFlightServer": test_flight.EchoFlightServer,
        "EchoStreamFlightServer": test_flight.EchoStreamFlightServer,
        "EchoTableStreamFlightServer": test_flight.EchoTableStreamFlightServer,
        "EchoRecordBatchReaderStreamFlightServer": test_flight.EchoRecordBatchReaderStreamFlightServer,
        "ExchangeFlightServer": lambda location: test_flight.ExchangeFlightServer(location=location),
        "ExchangeFlightServer V4": lambda location: test_flight.ExchangeFlightServer(V4, location=location),
        "GetInfoFlightServer": test_flight.GetInfoFlightServer,
        "ListActionsFlightServer": test_flight.ListActionsFlightServer,
        "ListActionsErrorFlightServer": test_flight.ListActionsErrorFlightServer,
        "ConvenienceServer": test_flight.ConvenienceServer,
        "ActionNoneFlightServer": test_flight.ActionNoneFlightServer,
        "InvalidStreamFlightServer": test_flight.InvalidStreamFlightServer,
        "NeverSendsDataFlightServer": test_flight.NeverSendsDataFlightServer,
        "SlowFlightServer": test_flight.SlowFlightServer,
        "ErrorFlightServer": test_flight.ErrorFlightServer,
        "LargeMetadataFlightServer": LargeMetadataFlightServer,
        "FailServer": FailServer,
        "DeltaFlightServer": DeltaFlightServer,
        "LateServer": LateServer,
    }
    with tempfile.TemporaryDirectory() as folder:
        running = {name: make("grpc+tcp://127.0.0.1:0") for name, make in servers.items()}
        uris = {name: f"grpc+tcp://127.0.0.1:{server.port}" for name, server in running.items()}
        uris["ConstantFlightServer unix"] = f"grpc+unix://{folder}/socket"
        running["unix"] = test_flight.ConstantFlightServer(uris["ConstantFlightServer unix"])
        print(json.dumps(uris), flush=True)
        sys.stdin.read()
    # Half a second for each server would pass until all have ended well.
    os._exit(0)


if __name__ == "__main__":
    main()
