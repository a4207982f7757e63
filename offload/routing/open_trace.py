"""Opens a trace of any format that is known, by what the file begins with."""

from pathlib import Path

from offload.errors import TraceFileError
from offload.routing.csv_trace import FIRST_LINE, read_csv_trace
from offload.routing.route_trace import RouteTrace
from offload.routing.trace_file import read_trace
from offload.routing.trace_format import MAGIC

_CSV_MARK = FIRST_LINE.rpartition("v")[0].encode()


def open_trace(path: Path, *, inputs: bool = True) -> RouteTrace:
    """Open the trace at `path`; steps come without router inputs if not `inputs`, which is faster to read.

    Raises:
        TraceFileError: there is no such file, or it is no trace that can be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(max(len(MAGIC), len(_CSV_MARK)))
    except OSError as error:
        raise TraceFileError(f"The trace could not be read: {error.strerror or error}.", file=path) from error
    if start.startswith(MAGIC):
        return read_trace(path, inputs=inputs)
    if start.startswith(_CSV_MARK):
        return read_csv_trace(path)
    raise TraceFileError(
        "This is no routing trace.", file=path, offset=0, hint="Give a .routes file, or a CSV of route_trace v1."
    )
