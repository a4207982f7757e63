"""What `offload doctor` finds; the findings themselves depend on the machine."""

from pathlib import Path
from typing import Any

import pytest

from offload.diagnosis import (
    Diagnosis,
    Finding,
    Health,
    devices_finding,
    diagnose,
    disk_bytes_per_second,
    run_probes,
)
from offload.errors import AbiError
from offload.ggml.devices import ComputeDevice, DeviceKind

GOOD = Finding("good", Health.GOOD, "fine")


def broken() -> Finding:
    raise AbiError("The library is another.", hint="Install it again.", release="0.0.1")


def defect() -> Finding:
    raise ZeroDivisionError("nothing by nothing")


def test_a_probe_that_fails_is_a_bad_finding_and_the_others_follow() -> None:
    diagnosis = run_probes((("library", broken), ("processor", defect), ("good", lambda: GOOD)))
    library, processor, good = diagnosis.findings
    assert library == Finding("library", Health.BAD, "The library is another. Install it again.", {"release": "0.0.1"})
    assert processor == Finding("processor", Health.BAD, "ZeroDivisionError: nothing by nothing")
    assert good == GOOD
    assert not diagnosis.is_good


def test_a_remark_is_not_bad() -> None:
    assert Diagnosis((GOOD, Finding("app", Health.REMARK, "not installed"))).is_good


def test_this_machine_is_described_and_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    findings = {finding.topic: finding for finding in diagnose(tmp_path).findings}
    assert {"python", "llama.cpp", "native layouts", "processor", "memory", "devices", "disk", "app"} <= findings.keys()
    assert findings["native layouts"].health is Health.GOOD
    memory: Any = findings["memory"].numbers
    assert memory["total_bytes"] >= memory["available_bytes"] > 0
    disk: Any = findings["disk"].numbers
    assert disk["buffered_bytes_per_second"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_only_a_bad_disk(tmp_path: Path) -> None:
    bad = [finding.topic for finding in diagnose(tmp_path / "none" / "m.gguf").findings if finding.health is Health.BAD]
    assert bad == ["disk"]


def test_a_folder_that_cannot_be_written_to_is_remarked_and_nothing_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A mode would not keep root, who runs many a test, from writing.
    monkeypatch.setattr("os.access", lambda place, mode: place != tmp_path)
    (disk,) = [finding for finding in diagnose(tmp_path).findings if finding.topic == "disk"]
    assert disk.health is Health.REMARK
    assert f"{tmp_path} cannot be written to" in disk.text
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_has_no_speed(tmp_path: Path) -> None:
    assert disk_bytes_per_second(tmp_path / "none") == pytest.approx(0.0)


CPU = ComputeDevice("CPU", "A processor", DeviceKind.CPU, 16 << 30, 9 << 30, address=1)
GPU = ComputeDevice("CUDA0", "A GPU", DeviceKind.GPU, 24 << 30, 20 << 30, address=2)
SHARED = ComputeDevice("Vulkan1", "A small GPU", DeviceKind.IGPU, 8 << 30, 4 << 30, address=3)
BLAS = ComputeDevice("BLAS", "OpenBLAS", DeviceKind.ACCEL, 0, 0, address=4)


def test_every_gpu_is_described_with_its_memory() -> None:
    finding = devices_finding((GPU, SHARED, CPU))
    assert finding.health is Health.GOOD
    assert finding.text == (
        "CUDA0: A GPU, 20.0 GiB free of 24.0 GiB; Vulkan1: A small GPU, 4.0 GiB free of 8.0 GiB, the machine's own"
    )
    assert finding.numbers["n_gpu"] == 2
    assert finding.numbers["CUDA0_total_bytes"] == 24 << 30
    assert finding.numbers["Vulkan1_kind"] == "igpu"


def test_no_gpu_is_a_remark() -> None:
    finding = devices_finding((BLAS, CPU))
    assert finding.health is Health.REMARK
    assert finding.text == "no GPU: this build of llama-cpp-python has none, or finds none; BLAS: OpenBLAS"
    assert finding.numbers["n_gpu"] == 0
