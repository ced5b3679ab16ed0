"""Whether a server of files shows pyarrow what pyarrow finds in the files themselves: a line of JSON a check.

Usage: interop_files.py URI FOLDER. A check's `fault` is null, or says what differs.
"""

import json
import pathlib
import sys
import traceback

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

OPTIONS = flight.FlightCallOptions(timeout=60)


def read(path):
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    with pa.ipc.open_file(path) as reader:
        return reader.read_all()


def data_bytes(path):
    """The bytes of the column data: as they are encoded in Parquet, and the buffers of an IPC file."""
    if path.suffix == ".parquet":
        footer = parquet.read_metadata(path)
        groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
        return sum(group.column(index).total_uncompressed_size for group in groups for index in range(group.num_columns))
    with pa.ipc.open_file(path) as reader:
        batches = [reader.get_batch(index) for index in range(reader.num_record_batches)]
    arrays = [column for batch in batches for column in batch.columns]
    # An IPC file holds a dictionary once.
    arrays += [column.dictionary for column in batches[0].columns if pa.types.is_dictionary(column.type)]
    return sum(buffer.size for array in arrays for buffer in array.buffers() if buffer is not None)


def without_dictionaries(table):
    """The table with plain columns: how values are shared is the sender's own."""
    for index, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type.value_type))
    return table


def difference(what, came, stands):
    return None if came == stands else f"{what}: {came!r} came, {stands!r} stands in the file"


def check_names(client, names):
    came = sorted(tuple(part.decode() for part in info.descriptor.path) for info in client.list_flights(b"", OPTIONS))
    return difference("names", came, sorted(names))


def check_description(client, name, path):
    info = client.get_flight_info(flight.FlightDescriptor.for_path(*name), OPTIONS)
    stands = read(path)
    if not info.schema.equals(stands.schema, check_metadata=True):
        return f"schema: {info.schema} came, {stands.schema} stands in the file"
    return (
        difference("total_records", info.total_records, stands.num_rows)
        or difference("total_bytes", info.total_bytes, data_bytes(path))
        or difference("locations", [endpoint.locations for endpoint in info.endpoints], [[]])
    )


def check_schema(client, name, path):
    came = client.get_schema(flight.FlightDescriptor.for_path(*name), OPTIONS).schema
    return None if came.equals(read(path).schema, check_metadata=True) else f"schema: {came}"


def check_data(client, name, path):
    info = client.get_flight_info(flight.FlightDescriptor.for_path(*name), OPTIONS)
    came = pa.concat_tables(client.do_get(endpoint.ticket, OPTIONS).read_all() for endpoint in info.endpoints)
    came.validate(full=True)
    stands = read(path)
    if not came.schema.equals(stands.schema, check_metadata=True):
        return f"schema: {came.schema} came, {stands.schema} stands in the file"
    if not without_dictionaries(came).equals(without_dictionaries(stands)):
        return "the data differs"
    return None


def check_unknown(client):
    try:
        client.get_flight_info(flight.FlightDescriptor.for_path("..", "data", "trips"), OPTIONS)
    except pa.ArrowKeyError:
        return None
    return "a flight that is not there was described"


def report(check, run):
    try:
        fault = run()
    except Exception:  # pylint: disable=broad-except
        fault = traceback.format_exc()
    print(json.dumps({"check": check, "fault": fault}), flush=True)


def main():
    client = flight.FlightClient(sys.argv[1])
    client.wait_for_available(timeout=20)
    folder = pathlib.Path(sys.argv[2])
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".parquet", ".arrow"})
    files = {path.relative_to(folder).with_suffix("").parts: path for path in paths}
    report("ListFlights names every file", lambda: check_names(client, files.keys()))
    for name, path in files.items():
        shown = "/".join(name)
        report(f"GetFlightInfo of {shown}", lambda name=name, path=path: check_description(client, name, path))
        report(f"GetSchema of {shown}", lambda name=name, path=path: check_schema(client, name, path))
        report(f"DoGet of {shown}", lambda name=name, path=path: check_data(client, name, path))
    report("GetFlightInfo of what is not there", lambda: check_unknown(client))


if __name__ == "__main__":
    main()
