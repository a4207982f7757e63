"""What tells one machine, and one disk of it, from another: names under which measurements are kept."""

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from offload.fit.disk_speed import nearest_folder
from offload.machine import machine_memory, physical_cores

_CPUINFO = Path("/proc/cpuinfo")


def machine_name() -> str:
    """Name processor, cores and memory: measurements of one machine are of no use on another."""
    memory_gib = round(machine_memory().total_bytes / (1 << 30))
    return f"{_processor()}, {physical_cores()} cores, {memory_gib} GiB"


def library_name() -> str:
    """Name the release of llama.cpp's binding, whose kernels compute."""
    try:
        return f"llama-cpp-python {version('llama-cpp-python')}"
    except PackageNotFoundError:
        return "llama-cpp-python of no known version"


def disk_name(place: Path) -> str:
    """Name the disk that a file or folder lies on, by its device and file system."""
    folder = nearest_folder(place).resolve()
    parts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    if not parts:
        return folder.anchor
    part = max(parts, key=lambda part: len(part.mountpoint))
    return f"{part.device or part.mountpoint} {part.fstype}".strip()


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", _CPUINFO.read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine() or "unknown processor"
