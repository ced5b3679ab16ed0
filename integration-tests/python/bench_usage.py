"""What the Python programs of the bench share: the data, and what a process used in the words of the Rust ones (see
integration-tests/src/usage.rs)."""

import json
import time

import pyarrow as pa


def batch_of(rows):
    """Four int64 columns."""
    schema = pa.schema([pa.field(f"c{column}", pa.int64(), nullable=False) for column in range(4)])
    return pa.record_batch([pa.arange(column, column + rows * 31, 31) for column in range(4)], schema=schema)


def _cpu_seconds():
    with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _peak_mib():
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


class Usage:
    """A moment, to measure from."""

    def __init__(self):
        self._cpu = _cpu_seconds()
        self._at = time.perf_counter()

    def measure(self, moved):
        """A line of JSON: what happened since, while so many bytes of column data were moved."""
        seconds = time.perf_counter() - self._at
        cpu = _cpu_seconds() - self._cpu
        return json.dumps({"bytes": moved, "seconds": seconds, "cpu_s": cpu, "peak_mib": _peak_mib()})
