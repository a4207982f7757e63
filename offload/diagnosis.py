"""What `offload doctor` tells: versions, native library, processor, memory, devices and disk of this machine.

Every finding stands for itself: one that cannot be made says so, and the others follow.
"""

import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from offload.bytesize import format_bytes
from offload.errors import OffloadError
from offload.machine import cpu_flags, free_disk_bytes, machine_memory, physical_cores

if TYPE_CHECKING:
    from offload.ggml.devices import ComputeDevice

_SAMPLE_BYTES = 64 << 20
_TELLING_FLAGS = (
    "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve",
)  # fmt: skip


class Health(Enum):
    """Whether a finding is as it should be."""

    GOOD = "good"
    REMARK = "remark"
    """It need not be there, or is slower than it could be."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: a sentence for a person, values for a program (sizes in bytes)."""

    topic: str
    health: Health
    text: str
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order they are shown."""

    findings: tuple[Finding, ...]

    @property
    def is_good(self) -> bool:
        """Return whether nothing is bad."""
        return all(finding.health is not Health.BAD for finding in self.findings)


Probe = Callable[[], Finding]


def diagnose(place: Path) -> Diagnosis:
    """Look at everything. `place` is a file, read to measure its disk, or a folder, in which a sample is written.

    Never raises for what it finds.
    """
    probes: tuple[tuple[str, Probe], ...] = (
        ("offload", _offload),
        ("python", _python),
        ("llama-cpp-python", lambda: _package("llama-cpp-python")),
        ("llama.cpp", _llama_cpp),
        ("native layouts", _native_layouts),
        ("interleaved weights", _interleaved_weights),
        ("processor", _processor),
        ("memory", _memory),
        ("devices", _devices),
        ("disk", lambda: _disk(place)),
        ("app", _app),
    )
    return run_probes(probes)


def disk_bytes_per_second(path: Path) -> float:
    """Return what one thread reads from the file `path` in a second, 0.0 where that cannot be measured."""
    from offload.experts.disk_probe import probe_direct_io

    try:
        return probe_direct_io(path).bytes_per_second
    except OffloadError:
        return 0.0


def run_probes(probes: tuple[tuple[str, Probe], ...]) -> Diagnosis:
    """Return what each probe finds; a probe that fails is a bad finding of its topic."""
    return Diagnosis(tuple(_finding(topic, probe) for topic, probe in probes))


def _finding(topic: str, probe: Probe) -> Finding:
    try:
        return probe()
    except OffloadError as error:
        return Finding(topic, Health.BAD, str(error), error.numbers)
    except Exception as error:
        # A border: whatever is broken on this machine is exactly what this report is for.
        return Finding(topic, Health.BAD, f"{type(error).__name__}: {error}")


def _package(name: str) -> Finding:
    found = version(name)
    return Finding(name, Health.GOOD, found, {"version": found})


def _offload() -> Finding:
    folder = str(Path(__file__).parent)
    try:
        found = version("offload")
    except PackageNotFoundError:
        return Finding("offload", Health.REMARK, f"not installed, run from {folder}", {"folder": folder})
    return Finding("offload", Health.GOOD, f"{found}, in {folder}", {"version": found, "folder": folder})


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.platform()}"
    return Finding("python", Health.GOOD, text, {"version": platform.python_version(), "executable": sys.executable})


def _llama_cpp() -> Finding:
    from offload.llama.library import load

    info = load().llama_print_system_info().decode("utf-8", "replace").strip().rstrip("|").strip()
    return Finding("llama.cpp", Health.GOOD, info, {"system_info": info})


def _native_layouts() -> Finding:
    from offload.ggml.guard import check_abi

    checked = check_abi()
    return Finding("native layouts", Health.GOOD, "as this release expects", {"checked": "; ".join(checked)})


def _interleaved_weights() -> Finding:
    from offload.ggml.interleave import Interleaver
    from offload.llama.library import load

    load()
    layout = Interleaver().layout_name
    if layout == "plain":
        return Finding(
            "interleaved weights", Health.REMARK, "this llama.cpp has no kernels for them", {"layout": layout}
        )
    return Finding("interleaved weights", Health.GOOD, layout, {"layout": layout})


def _processor() -> Finding:
    cores, flags = physical_cores(), cpu_flags()
    telling = " ".join(flag for flag in _TELLING_FLAGS if flag in flags)
    text = f"{cores} cores for this process, {platform.machine()} {telling}".rstrip()
    return Finding("processor", Health.GOOD, text, {"physical_cores": cores, "features": telling})


def _memory() -> Finding:
    memory = machine_memory()
    text = f"{format_bytes(memory.available_bytes)} available of {format_bytes(memory.total_bytes)}, limits included"
    numbers = {"total_bytes": memory.total_bytes, "available_bytes": memory.available_bytes}
    return Finding("memory", Health.GOOD, text, numbers)


def _devices() -> Finding:
    from offload.ggml.devices import list_devices

    return devices_finding(list_devices())


def devices_finding(devices: Iterable["ComputeDevice"]) -> Finding:
    """Return what is said of the devices beside the CPU, which has findings of its own."""
    others = [device for device in devices if not device.is_stand_in]
    numbers: dict[str, int | float | str] = {"n_gpu": sum(device.is_gpu for device in others)}
    for device in others:
        numbers[f"{device.name}_description"] = device.description
        numbers[f"{device.name}_kind"] = device.kind.value
        numbers[f"{device.name}_total_bytes"] = device.total_bytes
        numbers[f"{device.name}_free_bytes"] = device.free_bytes
    listed = [_device_text(device) for device in others]
    if numbers["n_gpu"]:
        return Finding("devices", Health.GOOD, "; ".join(listed), numbers)
    text = "; ".join(["no GPU: this build of llama-cpp-python has none, or finds none", *listed])
    return Finding("devices", Health.REMARK, text, numbers)


def _device_text(device: "ComputeDevice") -> str:
    named = f"{device.name}: {device.description}"
    if not device.total_bytes:
        return named
    shared = ", the machine's own" if device.shares_memory else ""
    return f"{named}, {format_bytes(device.free_bytes)} free of {format_bytes(device.total_bytes)}{shared}"


def _disk(place: Path) -> Finding:
    from offload.experts.disk_probe import probe_direct_io

    free_bytes = free_disk_bytes(place if place.is_dir() else place.parent)
    if place.is_dir() and not os.access(place, os.W_OK):
        text = f"not measured: {place.absolute()} cannot be written to; name another folder, or a model with -m"
        return Finding("disk", Health.REMARK, text, {"place": str(place), "free_bytes": free_bytes})
    with _file_to_read(place) as path:
        probe = probe_direct_io(path)
    direct, buffered = probe.direct_bytes_per_second, probe.buffered_bytes_per_second
    numbers: dict[str, int | float | str] = {
        "place": str(place),
        "direct_bytes_per_second": direct,
        "buffered_bytes_per_second": buffered,
        "direct": int(probe.direct),
        "free_bytes": free_bytes,
    }
    speeds = f"direct {_speed(direct)}, buffered {_speed(buffered)}, {format_bytes(free_bytes)} free at {place}"
    if not direct:
        return Finding("disk", Health.REMARK, f"{speeds}; no direct reads here, or too small a file to tell", numbers)
    return Finding("disk", Health.GOOD, speeds, numbers)


@contextmanager
def _file_to_read(place: Path) -> Iterator[Path]:
    """Give `place` itself, or a sample written into the folder it is and removed afterwards."""
    if not place.is_dir():
        yield place
        return
    with tempfile.NamedTemporaryFile(dir=place, prefix=".offload-doctor-") as sample:
        block = bytes(range(256)) * 4096
        for _ in range(_SAMPLE_BYTES // len(block)):
            sample.write(block)
        sample.flush()
        os.fsync(sample.fileno())
        if hasattr(os, "posix_fadvise"):
            # Read from the disk, not from the memory it was written through.
            os.posix_fadvise(sample.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        yield Path(sample.name)


def _speed(bytes_per_second: float) -> str:
    return f"{format_bytes(int(bytes_per_second))}/s" if bytes_per_second else "not measured"


def _app() -> Finding:
    if importlib.util.find_spec("PySide6") is None:
        return Finding("app", Health.REMARK, "not installed; pip install 'offload[app]' adds it", {"installed": 0})
    return Finding("app", Health.GOOD, "Qt is installed", {"installed": 1})
