"""The servers of the official scenarios, as far as pyarrow's API can express them.

Usage: scenario_server.py --port=PORT --scenario NAME. Prints `Server listening on localhost:PORT`, as the official
programs do, and serves until it is killed. pyarrow has no PollFlightInfo.
"""

import argparse
import datetime
import threading

import pyarrow as pa
import pyarrow.flight as flight

import scenario_wire as wire


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def timestamp(moment):
    return pa.scalar(moment, pa.timestamp("ns", "UTC"))


def numbers(schema, *values):
    return pa.record_batch([pa.array(values, schema.field(0).type)], schema=schema)


class Ordered(flight.FlightServerBase):
    DATA = {b"1": [1, 2, 3], b"2": [10, 20, 30], b"3": [100, 200, 300]}

    def get_flight_info(self, context, descriptor):
        ordered = descriptor.command == b"ordered"
        tickets = [b"1", b"2", b"3"] if ordered else [b"1", b"3", b"2"]
        endpoints = [flight.FlightEndpoint(ticket, []) for ticket in tickets]
        return flight.FlightInfo(wire.NUMBER_SIGNED, descriptor, endpoints, ordered=ordered)

    def do_get(self, context, ticket):
        if ticket.ticket not in self.DATA:
            raise pa.ArrowKeyError(f"Could not find flight: {ticket.ticket!r}")
        batch = numbers(wire.NUMBER_SIGNED, *self.DATA[ticket.ticket])
        return flight.GeneratorStream(wire.NUMBER_SIGNED, iter([batch]))


class ExpirationTime(flight.FlightServerBase):
    """Each GetFlightInfo begins anew with three endpoints: one without an expiration time, two with."""

    def __init__(self, *args):
        super().__init__(*args)
        self._lock = threading.Lock()
        self._flights = []

    def get_flight_info(self, context, descriptor):
        started = now()
        with self._lock:
            self._flights = [
                {"ticket": f"{index}: {name}", "expires": expires, "gets": 0, "cancelled": False}
                for index, (name, expires) in enumerate(
                    [
                        ("No expiration time", None),
                        ("5 seconds", started + datetime.timedelta(seconds=5)),
                        ("6 seconds", started + datetime.timedelta(seconds=6)),
                    ]
                )
            ]
            endpoints = [self._endpoint(of) for of in self._flights]
        return flight.FlightInfo(wire.NUMBER, descriptor, endpoints)

    def do_get(self, context, ticket):
        with self._lock:
            index, of = self._find(ticket)
            if of["cancelled"]:
                raise pa.ArrowKeyError("Invalid flight: canceled")
            if of["expires"] is not None and of["expires"] < now():
                raise pa.ArrowKeyError("Invalid flight: expired")
            if of["expires"] is None and of["gets"] > 0:
                raise pa.ArrowKeyError("Invalid flight: can't read multiple times")
            of["gets"] += 1
        return flight.GeneratorStream(wire.NUMBER, iter([numbers(wire.NUMBER, index)]))

    def do_action(self, context, action):
        body = wire.unwrap(action.body.to_pybytes())
        if action.type == wire.CANCEL:
            return [wire.wrap_status(self._cancel(flight.FlightInfo.deserialize(body)))]
        if action.type == wire.RENEW:
            return [self._renew(flight.FlightEndpoint.deserialize(body)).serialize()]
        raise pa.ArrowInvalid(f"Unknown action: {action.type}")

    def list_actions(self, context):
        return [(wire.CANCEL, ""), (wire.RENEW, "")]

    def _cancel(self, info):
        status = 0
        with self._lock:
            for endpoint in info.endpoints:
                try:
                    _, of = self._find(endpoint.ticket)
                except pa.ArrowKeyError:
                    status = wire.NOT_CANCELLABLE
                    continue
                if of["cancelled"]:
                    status = wire.NOT_CANCELLABLE
                of["cancelled"] = True
                status = status or wire.CANCELLED
        return status

    def _renew(self, endpoint):
        with self._lock:
            _, of = self._find(endpoint.ticket)
            if of["cancelled"]:
                raise pa.ArrowInvalid("Invalid flight: canceled")
            of["ticket"] += ": renewed (+ 10 seconds)"
            of["expires"] = now() + datetime.timedelta(seconds=10)
            return self._endpoint(of)

    def _find(self, ticket):
        name = ticket.ticket.decode()
        try:
            index = int(name.partition(":")[0])
        except ValueError:
            raise pa.ArrowKeyError(f"Invalid flight: no index: {name}") from None
        if not 0 <= index < len(self._flights):
            raise pa.ArrowKeyError(f"Invalid flight: out of index: {name}")
        return index, self._flights[index]

    @staticmethod
    def _endpoint(of):
        expires = None if of["expires"] is None else timestamp(of["expires"])
        return flight.FlightEndpoint(of["ticket"].encode(), [], expires)


class ReuseConnection(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        endpoint = flight.FlightEndpoint(b"reuse", [flight.Location(wire.REUSE_CONNECTION)])
        return flight.FlightInfo(pa.schema([]), descriptor, [endpoint])


class AppMetadata(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        if descriptor.descriptor_type != flight.DescriptorType.CMD:
            raise pa.ArrowInvalid("FlightDescriptor must be CMD")
        command = descriptor.command
        endpoint = flight.FlightEndpoint(b"", [], None, command)
        return flight.FlightInfo(wire.NUMBER, descriptor, [endpoint], app_metadata=command)


class Echo(flight.FlightServerBase):
    def do_exchange(self, context, descriptor, reader, writer):
        if descriptor.descriptor_type != flight.DescriptorType.CMD:
            raise pa.ArrowInvalid("Must provide a command descriptor")
        if descriptor.command != b"echo":
            raise pa.ArrowNotImplementedError(f"Unknown command: {descriptor.command!r}")
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


class Alignment(flight.FlightServerBase):
    def get_flight_info(self, context, descriptor):
        return flight.FlightInfo(wire.ALIGNED, descriptor, [flight.FlightEndpoint(b"align-data", [])])

    def do_get(self, context, ticket):
        if ticket.ticket != b"align-data":
            raise pa.ArrowKeyError(f"Could not find flight: {ticket.ticket!r}")
        columns = [pa.array([1, 2, 3], pa.int32()), pa.array([1, 2, 3], pa.int64()), pa.array([False, True, False])]
        return flight.GeneratorStream(wire.ALIGNED, iter([pa.record_batch(columns, schema=wire.ALIGNED)]))


SCENARIOS = {
    "ordered": Ordered,
    "expiration_time:do_get": ExpirationTime,
    "expiration_time:list_actions": ExpirationTime,
    "expiration_time:cancel_flight_info": ExpirationTime,
    "expiration_time:renew_flight_endpoint": ExpirationTime,
    "location:reuse_connection": ReuseConnection,
    "app_metadata_flight_info_endpoint": AppMetadata,
    "do_exchange:echo": Echo,
    "alignment": Alignment,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=31337)
    parser.add_argument("--scenario", choices=SCENARIOS, required=True)
    arguments = parser.parse_args()
    with SCENARIOS[arguments.scenario](f"grpc+tcp://0.0.0.0:{arguments.port}") as server:
        print(f"Server listening on localhost:{server.port}", flush=True)
        server.wait()


if __name__ == "__main__":
    main()
