"""Opens a file with the calls of the system this runs on."""

import sys
from pathlib import Path

from offload.experts.macos_calls import MacosCalls
from offload.experts.posix_calls import PosixCalls
from offload.experts.reader import FileReader
from offload.experts.system_reader import FileCalls, SystemReader
from offload.experts.windows_calls import WindowsCalls


def open_reader(path: Path, *, direct: bool) -> FileReader:
    """Open `path`; `direct` is a wish, `FileReader.direct` says what was granted.

    Raises:
        ExpertReadError: the file cannot be opened.
    """
    return SystemReader(path, direct=direct, calls=calls_of(sys.platform))


def calls_of(platform: str) -> FileCalls:
    """Return the calls of a system, named as `sys.platform` names it."""
    if platform == "win32":
        return WindowsCalls()
    return MacosCalls() if platform == "darwin" else PosixCalls()
