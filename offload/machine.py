"""What this process may use of its machine: cores, memory, processor features, free disk space.

Linux is read from `proc` and `sys` under `root`, limits of control groups included; other systems through psutil.
Thread rule: every function may be called from any thread; none keeps state.
"""

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from offload.cgroup import cpu_quota, memory_limits
from offload.errors import UsageError

_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class MachineMemory:
    """Memory in bytes: what this process could ever have, and what it could take now without making others swap."""

    total_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class ResidentMemory:
    """Physical memory of this process in bytes: now, and the most it ever was."""

    current_bytes: int
    peak_bytes: int


def physical_cores(root: Path = _ROOT) -> int:
    """Return the physical cores this process may keep busy, at least 1.

    Hyperthreads of one core count once, cores outside the affinity mask not at all. A control group's quota is
    rounded down: threads above it would wait, throttled, while the others spin.
    """
    allowed = _allowed_processors(root)
    cores = len({_siblings(root, processor) for processor in allowed}) if allowed else _cores_of_psutil()
    quota = cpu_quota(root)
    return max(1, cores if quota is None else min(cores, int(quota)))


def machine_memory(root: Path = _ROOT) -> MachineMemory:
    """Return the memory of the machine, or of the tightest control group where that leaves less."""
    meminfo = _kilobyte_fields(root / "proc/meminfo")
    if "MemTotal" in meminfo and "MemAvailable" in meminfo:
        total_bytes, available_bytes = meminfo["MemTotal"], meminfo["MemAvailable"]
    else:
        virtual = psutil.virtual_memory()
        total_bytes, available_bytes = virtual.total, virtual.available
    limits = memory_limits(root)
    return MachineMemory(
        total_bytes=min([total_bytes, *(limit.limit_bytes for limit in limits)]),
        available_bytes=min([available_bytes, *(limit.available_bytes for limit in limits)]),
    )


def resident_memory(root: Path = _ROOT) -> ResidentMemory:
    """Return what of this process is in physical memory, file mappings included."""
    status = _kilobyte_fields(root / "proc/self/status")
    if "VmRSS" in status and "VmHWM" in status:
        # The kernel brings the high-water mark up to date lazily; the present size may already be above it.
        return ResidentMemory(status["VmRSS"], max(status["VmRSS"], status["VmHWM"]))
    current_bytes = psutil.Process().memory_info().rss
    return ResidentMemory(current_bytes, max(current_bytes, _peak_bytes_without_proc()))


def cpu_flags(root: Path = _ROOT) -> frozenset[str]:
    """Return the processor's features by Linux's names (`avx2`, `asimddp`).

    Where the system does not list them: the words of its own description of the processor, which tells processors
    apart but names no feature.
    """
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    described = match.group(1) if match else platform.processor() or platform.machine()
    return frozenset(described.split())


def backs_all_with_huge_pages(root: Path = _ROOT) -> bool:
    """Say whether Linux backs all memory with huge pages, asked or not. Source: admin-guide/mm/transhuge (kernel)."""
    return "[always]" in _text(root / "sys/kernel/mm/transparent_hugepage/enabled")


def free_disk_bytes(folder: Path) -> int:
    """Return the bytes this user may still write in `folder`, which need not exist yet: its nearest parent answers.

    Raises:
        UsageError: the folder cannot be looked at.
    """
    place = folder.absolute()
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        return shutil.disk_usage(place).free
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"Cannot tell the free space of {folder}: {reason}.", hint="Choose another folder.") from error


def _allowed_processors(root: Path) -> list[int]:
    """Return the processor numbers of the affinity mask (`0-3,8`); none where the system has no such file."""
    match = re.search(r"^Cpus_allowed_list:\s*([\d,-]+)$", _text(root / "proc/self/status"), re.MULTILINE)
    processors: list[int] = []
    for part in match.group(1).split(",") if match else ():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            processors.extend(range(int(first), int(last or first) + 1))
    return processors


def _siblings(root: Path, processor: int) -> str:
    """Return what names the core of `processor`: the list of its hyperthreads, or itself where that is not told."""
    topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
    return _text(topology / "core_cpus_list") or _text(topology / "thread_siblings_list") or str(processor)


def _cores_of_psutil() -> int:
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if sys.platform == "win32":
        return min(cores, len(psutil.Process().cpu_affinity()))
    return cores


def _peak_bytes_without_proc() -> int:
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, kilobytes on every other system.
    return peak if sys.platform == "darwin" else peak * 1024


def _kilobyte_fields(path: Path) -> dict[str, int]:
    """Return the fields `Name:  123 kB` of a file of `proc`, in bytes."""
    fields = re.findall(r"^(\w+):\s*(\d+) kB$", _text(path), re.MULTILINE)
    return {name: int(kilobytes) * 1024 for name, kilobytes in fields}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
