"""A memory cgroup of Linux, v1 or v2, for one process: its limit counts the page cache too, and it knows its peak.

Where the system has no cgroups, or this user may not make any, there is none, and the caller says so.
Source: Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst of the Linux kernel.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_LIMIT_FILES = ("memory.limit_in_bytes", "memory.max")
_SWAP_FILES = ("memory.memsw.limit_in_bytes", "memory.swap.max")
_PEAK_FILES = ("memory.max_usage_in_bytes", "memory.peak")
_numbers = count()
LIMIT_FACTOR = 1.024
"""Of a budget, the limit that keeps it: the group counts the page cache and the kernel's own memory too, which no
process can promise."""


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """A group that exists, empty until a command is run in it."""

    folder: Path

    def command(self, command: Sequence[str]) -> list[str]:
        """Return `command` as one that enters the group before it starts."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]

    def peak_bytes(self) -> int | None:
        """Return the most memory the group ever used, page cache and kernel included; None where it is not told."""
        for name in _PEAK_FILES:
            with suppress(OSError, ValueError):
                return int((self.folder / name).read_text())
        return None


@contextmanager
def memory_group(limit_bytes: int | None) -> Iterator[MemoryGroup | None]:
    """Make a group with that limit (None: without), and remove it at the end; yields None where that may not be."""
    group = _make(limit_bytes)
    try:
        yield group
    finally:
        if group is not None:
            with suppress(OSError):
                group.folder.rmdir()


def _make(limit_bytes: int | None) -> MemoryGroup | None:
    for parent in _parents():
        folder = parent / f"offload-bench-{os.getpid()}-{next(_numbers)}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if os.access(folder / "cgroup.procs", os.W_OK) and _limit(folder, limit_bytes):
            return MemoryGroup(folder)
        with suppress(OSError):
            folder.rmdir()
    return None


def _limit(folder: Path, limit_bytes: int | None) -> bool:
    """Set the limit, of memory and swap together; return whether the group has limits at all."""
    path = next((folder / name for name in _LIMIT_FILES if (folder / name).exists()), None)
    if path is None:
        return False
    if limit_bytes is not None:
        try:
            path.write_text(str(limit_bytes))
        except OSError:
            return False
        with suppress(OSError):  # a kernel may not account for swap
            (folder / _SWAP_FILES[0]).write_text(str(limit_bytes))
        with suppress(OSError):
            (folder / _SWAP_FILES[1]).write_text("0")
    return True


def _parents() -> Iterator[Path]:
    """Yield the places a group may be made in: in this process's own group, beside it, at the top."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            tops = [_MOUNT / "memory"]
        elif number == "0":
            tops = [_MOUNT, _MOUNT / "unified"]
        else:
            continue
        for top in tops:
            own = top / path.lstrip("/")
            yield from dict.fromkeys((own, own.parent if own != top else top, top))
