"""pyarrow's own tests of Flight, with our server in the place of pyarrow's: a line of JSON a test.

Usage: pyarrow_tests.py PROGRAM [HOST]. The tests are those that came with pyarrow, unchanged. Where one makes a server of
some class, PROGRAM is started instead, with the class, the server's options, where to listen, and HOST: it prints `Server
listening on URI` and stops when its input closes.
"""

import faulthandler
import inspect
import json
import subprocess
import sys
import traceback
import types

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.tests.test_flight as test_flight
import pytest

# Those whose meaning is not Python's own, of server lifecycle, metadata RPCs, data, and errors, in their order there.
TESTS = [
    "test_flight_server_location_argument",
    "test_client_wait_for_available",
    "test_flight_list_flights",
    "test_flight_client_close",
    "test_flight_do_get_ints",
    "test_flight_do_get_dicts",
    "test_flight_do_get_ticket",
    "test_flight_get_info",
    "test_flight_get_schema",
    "test_list_actions",
    "test_do_action_result_convenience",
    "test_nicer_server_exceptions",
    "test_get_port",
    "test_flight_domain_socket",
    "test_flight_large_message",
    "test_flight_generator_stream_of_batches",
    "test_flight_generator_stream_of_batches_with_dict",
    "test_flight_generator_stream_of_table",
    "test_flight_generator_stream_of_table_with_dict",
    "test_flight_generator_stream_of_record_batch_reader",
    "test_flight_generator_stream_of_record_batch_reader_with_dict",
    "test_flight_invalid_generator_stream",
    "test_timeout_fires",
    "test_timeout_passes",
    "test_read_options",
    "test_flight_do_get_metadata",
    "test_flight_metadata_record_batch_reader_iterator",
    "test_flight_do_get_metadata_v4",
    "test_flight_do_put_metadata",
    "test_flight_do_put_limit",
    "test_cancel_do_get",
    "test_cancel_do_get_threaded",
    "test_streaming_do_action",
    "test_roundtrip_errors",
    "test_do_put_independent_read_write",
    "test_extra_info",
    "test_doexchange_get",
    "test_doexchange_put",
    "test_doexchange_echo",
    "test_doexchange_echo_v4",
    "test_doexchange_transform",
    "test_never_sends_data",
    "test_large_descriptor",
    "test_large_metadata_client",
    "test_none_action_side_effect",
    "test_write_error_propagation",
    "test_flight_dictionary_deltas_do_exchange",
]
# What is left out, with the reason.
LACKING = {
    # And it takes 12 GB and a minute to do so.
    "test_large_descriptor": "pyarrow's client refuses it before our server hears of it",
}
# And within a host, which is one on TCP.
LACKING_WITHIN = {"test_flight_domain_socket": "the servers of others are served on TCP"}
# Where a test wants an error in the words of their server: kind and words of ours.
IN_OUR_WORDS = {
    (flight.FlightServerError, "app_metadata size overflow"): (pa.ArrowCapacityError, "cannot be sent"),
    (pa.ArrowException, "app_metadata size overflow"): (pa.ArrowCapacityError, "cannot be sent"),
}
# What one test may take before this program is ended, in seconds.
PATIENCE = 100


class OurServer:
    """Stands before a class of pyarrow's servers: all that a test does with a server is done with our program."""

    def __init__(self, location=None, options=None, **_):
        if location is None:
            location = ("localhost", 0)
        if isinstance(location, tuple):
            location = flight.Location.for_grpc_tcp(*location)
        if isinstance(location, flight.Location):
            location = location.uri.decode()
        self._program = subprocess.Popen(
            [sys.argv[1], type(self).__name__, words_for(options), location, *sys.argv[2:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self._program.stdout.readline()
        if not line.startswith("Server listening on "):
            raise RuntimeError(f"no server: {line!r}")
        self._uri = line.split()[-1]

    @property
    def port(self):
        return int(self._uri.rpartition(":")[2])

    def serve(self):
        self._program.wait()

    def shutdown(self):
        self._program.stdin.close()
        if self._program.wait(timeout=30) != 0:
            raise RuntimeError(f"the server ended with {self._program.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()


def words_for(options):
    if options is None:
        return ""
    if isinstance(options, pa.ipc.IpcWriteOptions):
        return options.metadata_version.name
    return f"expected IpcWriteOptions, got {type(options)}"


def take_the_place_of_their_servers():
    theirs = test_flight.FlightServerBase
    for name, value in list(vars(test_flight).items()):
        if isinstance(value, type) and issubclass(value, theirs):
            setattr(test_flight, name, type(value.__name__, (OurServer, value), {}))
    # Some tests name the base by its module.
    flight.FlightServerBase = test_flight.FlightServerBase


def check_of(name):
    """The test's name, and the line where it is defined: behind its decorators."""
    lines, first = inspect.getsourcelines(getattr(test_flight, name))
    return f"{name} ({next(number for number, line in enumerate(lines, first) if line.startswith('def '))})"


class Pytest:
    """pytest, for which our server's errors are as good as theirs."""

    def __getattr__(self, name):
        return getattr(pytest, name)

    @staticmethod
    def raises(expected, match=None):
        expected, match = IN_OUR_WORDS.get((expected, match), (expected, match))
        return pytest.raises(expected, match=match)


def fault_of(test):
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    try:
        test()
    except BaseException:  # pylint: disable=broad-except
        # pytest fails with exceptions that are not errors.
        return traceback.format_exc()
    finally:
        faulthandler.cancel_dump_traceback_later()
    return None


def main():
    test_flight.pytest = Pytest()
    take_the_place_of_their_servers()
    if test_flight.np is None:
        # All that these tests take of numpy.
        test_flight.np = types.SimpleNamespace(ones=lambda count, dtype: [1] * count, int64=lambda: None)
    if sys.argv[2:]:
        LACKING.update(LACKING_WITHIN)
    for name in TESTS:
        came = {"lacking": LACKING[name]} if name in LACKING else {"fault": fault_of(getattr(test_flight, name))}
        print(json.dumps({"check": check_of(name), **came}), flush=True)


if __name__ == "__main__":
    main()
