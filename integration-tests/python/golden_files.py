"""Tables in files that C++ wrote, uploaded by pyarrow or read back by it from where another has uploaded them.

Usage: golden_files.py upload|read PORT NAMES FILES. FILES is a folder of `.stream` files, NAMES one of the same layout
with the `.json` files by whose paths the tables are known to the server. A line of JSON a table.
"""

import json
import pathlib
import sys
import traceback

import pyarrow as pa
import pyarrow.flight as flight

OPTIONS = flight.FlightCallOptions(timeout=60)


def metadata(index):
    return str(index).encode()


def upload(client, descriptor, schema, batches):
    """In lock-step: each batch is acknowledged before the next one."""
    writer, reader = client.do_put(descriptor, schema, OPTIONS)
    for index, batch in enumerate(batches):
        writer.write_with_metadata(batch, metadata(index))
        acknowledged = reader.read()
        if acknowledged is None or acknowledged.to_pybytes() != metadata(index):
            return f"batch {index} is acknowledged with {acknowledged}"
    writer.done_writing()
    more = reader.read()
    writer.close()
    return None if more is None else f"{more.to_pybytes()} follows the last acknowledgement"


def read(client, descriptor, schema, batches):
    """Every row, type and byte of metadata is the file's, and valid."""
    info = client.get_flight_info(descriptor, OPTIONS)
    [endpoint] = info.endpoints
    reader = client.do_get(endpoint.ticket, OPTIONS)
    for what, came in {"GetFlightInfo": info.schema, "DoGet": reader.schema}.items():
        if not came.equals(schema, check_metadata=True):
            return f"schema of {what}: {came.to_string()}\nin the file: {schema.to_string()}"
    chunks = list(reader)
    if len(chunks) != len(batches):
        return f"{len(chunks)} batches came, {len(batches)} are in the file"
    for index, (chunk, batch) in enumerate(zip(chunks, batches)):
        chunk.data.validate(full=True)
        if not chunk.data.equals(batch):
            return f"batch {index} differs"
        if chunk.app_metadata is None or chunk.app_metadata.to_pybytes() != metadata(index):
            return f"app_metadata of batch {index}: {chunk.app_metadata}"
    return None


def main():
    what, port = sys.argv[1:3]
    names, files = map(pathlib.Path, sys.argv[3:])
    run = {"upload": upload, "read": read}[what]
    with flight.FlightClient(f"grpc+tcp://localhost:{port}") as client:
        for name in sorted(names.rglob("*.json")):
            check = name.relative_to(names).with_suffix("")
            try:
                with pa.ipc.open_stream(files / check.with_suffix(".stream")) as stream:
                    schema, batches = stream.schema, list(stream)
                fault = run(client, flight.FlightDescriptor.for_path(str(name)), schema, batches)
            except Exception:  # pylint: disable=broad-except
                fault = traceback.format_exc()
            print(json.dumps({"check": check.as_posix(), "fault": fault}), flush=True)


if __name__ == "__main__":
    main()
