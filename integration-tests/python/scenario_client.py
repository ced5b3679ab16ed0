"""The clients of the official scenarios, as far as pyarrow's API can express them.

Usage: scenario_client.py --host HOST --port PORT --scenario NAME. Ends with 0 if the server does as the scenario says,
else with an exception. pyarrow has no PollFlightInfo.
"""

import argparse

import pyarrow as pa
import pyarrow.flight as flight

import scenario_wire as wire

OPTIONS = flight.FlightCallOptions(timeout=30)


def ensure(condition, what):
    if not condition:
        raise AssertionError(what)


def info_of(client, command):
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command), OPTIONS)
    ensure(info.descriptor == flight.FlightDescriptor.for_command(command), f"descriptor {info.descriptor}")
    return info


def read(client, endpoint):
    ensure(not endpoint.locations, f"locations {endpoint.locations}")
    table = client.do_get(endpoint.ticket, OPTIONS).read_all()
    table.validate(full=True)
    return table


def ordered(client):
    info = info_of(client, b"ordered")
    ensure(info.ordered, "the flight is not ordered")
    table = pa.concat_tables(read(client, endpoint) for endpoint in info.endpoints)
    ensure(table.schema == wire.NUMBER_SIGNED, f"schema {table.schema}")
    ensure(table["number"].to_pylist() == [1, 2, 3, 10, 20, 30, 100, 200, 300], f"{table}")


def do_get(client):
    info = info_of(client, b"expiration_time")
    expire = [endpoint.expiration_time is not None for endpoint in info.endpoints]
    ensure(expire == [False, True, True], f"which endpoints expire: {expire}")
    table = pa.concat_tables(read(client, endpoint) for endpoint in info.endpoints)
    ensure(table.schema == wire.NUMBER, f"schema {table.schema}")
    ensure(table["number"].to_pylist() == [0, 1, 2], f"{table}")


def list_actions(client):
    actions = sorted(action.type for action in client.list_actions(OPTIONS))
    ensure(actions == [wire.CANCEL, wire.RENEW], f"actions {actions}")


def act(client, name, message):
    [result] = client.do_action((name, wire.wrap(message)), OPTIONS)
    return result.body.to_pybytes()


def cancel_flight_info(client):
    info = info_of(client, b"expiration")
    ensure(len(info.endpoints) == 3, f"{len(info.endpoints)} endpoints")
    status = wire.unwrap_status(act(client, wire.CANCEL, info.serialize()))
    ensure(status == wire.CANCELLED, f"status {status}")
    for endpoint in info.endpoints:
        try:
            client.do_get(endpoint.ticket, OPTIONS)
        except (pa.ArrowException, KeyError):
            continue
        raise AssertionError(f"DoGet of {endpoint.ticket} begins, though the flight is cancelled")


def renew_flight_endpoint(client):
    endpoints = [endpoint for endpoint in info_of(client, b"expiration").endpoints if endpoint.expiration_time is not None]
    ensure(len(endpoints) == 2, f"{len(endpoints)} endpoints expire")
    for endpoint in endpoints:
        renewed = flight.FlightEndpoint.deserialize(act(client, wire.RENEW, endpoint.serialize()))
        ensure(renewed.expiration_time is not None, "the renewed endpoint has no expiration time")
        # As numbers: Python's own times have no nanoseconds.
        before, after = endpoint.expiration_time.value, renewed.expiration_time.value
        ensure(before < after, f"renewed from {before} to {after}")


def reuse_connection(client):
    [endpoint] = info_of(client, b"reuse").endpoints
    uris = [location.uri.decode() for location in endpoint.locations]
    ensure(uris == [wire.REUSE_CONNECTION], f"locations {uris}")


def app_metadata(client):
    info = info_of(client, b"foobar")
    seen = [info.app_metadata, *(endpoint.app_metadata for endpoint in info.endpoints)]
    ensure(seen == [b"foobar", b"foobar"], f"app_metadata {seen}")


def echo(client):
    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"echo"), OPTIONS)
    with writer:
        writer.begin(wire.ECHOED)
        for first in range(4):
            batch = pa.record_batch([pa.array(range(first, first + 10), pa.int32())], schema=wire.ECHOED)
            metadata = str(first).encode() if first % 2 == 0 else None
            if metadata is None:
                writer.write_batch(batch)
            else:
                writer.write_with_metadata(batch, metadata)
            chunk = reader.read_chunk()
            ensure(chunk.data.equals(batch), f"batch {first}: {chunk.data}")
            came = None if chunk.app_metadata is None else chunk.app_metadata.to_pybytes()
            ensure(came == metadata, f"app_metadata of batch {first}: {came}")
        writer.done_writing()
        try:
            reader.read_chunk()
        except StopIteration:
            return
        raise AssertionError("more came than was sent")


def alignment(client):
    [endpoint] = info_of(client, b"aligned").endpoints
    alignment_of = {
        pa.ipc.Alignment.Any: lambda _: 1,
        pa.ipc.Alignment.DataTypeSpecific: lambda of: 1 if pa.types.is_boolean(of) else of.byte_width,
        pa.ipc.Alignment.At64Byte: lambda _: 64,
    }
    for wanted, alignment_of_type in alignment_of.items():
        read_options = pa.ipc.IpcReadOptions(ensure_alignment=wanted)
        options = flight.FlightCallOptions(timeout=30, read_options=read_options)
        table = client.do_get(endpoint.ticket, options).read_all()
        table.validate(full=True)
        ensure(table.schema == wire.ALIGNED, f"schema {table.schema}")
        rows = {"int32": [1, 2, 3], "int64": [1, 2, 3], "bool": [False, True, False]}
        ensure(table.to_pydict() == rows, f"{table}")
        for column in table.columns:
            address = column.chunk(0).buffers()[1].address
            ensure(address % alignment_of_type(column.type) == 0, f"{wanted}: a buffer of {column.type} at {address:#x}")


SCENARIOS = {
    "ordered": ordered,
    "expiration_time:do_get": do_get,
    "expiration_time:list_actions": list_actions,
    "expiration_time:cancel_flight_info": cancel_flight_info,
    "expiration_time:renew_flight_endpoint": renew_flight_endpoint,
    "location:reuse_connection": reuse_connection,
    "app_metadata_flight_info_endpoint": app_metadata,
    "do_exchange:echo": echo,
    "alignment": alignment,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=31337)
    parser.add_argument("--scenario", choices=SCENARIOS, required=True)
    arguments = parser.parse_args()
    with flight.FlightClient((arguments.host, arguments.port)) as client:
        SCENARIOS[arguments.scenario](client)


if __name__ == "__main__":
    main()
