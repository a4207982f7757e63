"""What `offload doctor` finds; the findings themselves depend on the machine."""

from pathlib import Path
from typing import Any

import pytest

from offload.diagnosis import Diagnosis, Finding, Health, diagnose, disk_bytes_per_second, run_probes
from offload.errors import AbiError

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
    assert {"python", "llama.cpp", "native layouts", "processor", "memory", "disk", "app"} <= findings.keys()
    assert findings["native layouts"].health is Health.GOOD
    memory: Any = findings["memory"].numbers
    assert memory["total_bytes"] >= memory["available_bytes"] > 0
    disk: Any = findings["disk"].numbers
    assert disk["buffered_bytes_per_second"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_only_a_bad_disk(tmp_path: Path) -> None:
    bad = [finding.topic for finding in diagnose(tmp_path / "none" / "m.gguf").findings if finding.health is Health.BAD]
    assert bad == ["disk"]


def test_a_file_that_cannot_be_read_has_no_speed(tmp_path: Path) -> None:
    assert disk_bytes_per_second(tmp_path / "none") == pytest.approx(0.0)
