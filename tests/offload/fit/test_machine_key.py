"""Names of machine and disk."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from offload.fit import machine_key
from offload.fit.machine_key import disk_name, library_name, machine_name
from offload.machine import MachineMemory


def test_a_machine_is_named_the_same_twice() -> None:
    assert machine_name() == machine_name()
    assert "cores" in machine_name()
    assert library_name() == library_name()


def test_a_machine_with_more_memory_or_cores_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine_name()
    monkeypatch.setattr(machine_key, "machine_memory", lambda: MachineMemory(999 << 30, 1 << 30))
    with_memory = machine_name()
    monkeypatch.setattr(machine_key, "physical_cores", lambda: 77)
    assert len({before, with_memory, machine_name()}) == 3


def test_a_disk_is_that_of_the_innermost_mount(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inner = tmp_path.resolve()
    partitions = [
        SimpleNamespace(mountpoint=inner.anchor, device="/dev/root", fstype="ext4"),
        SimpleNamespace(mountpoint=str(inner), device="/dev/data", fstype="xfs"),
        SimpleNamespace(mountpoint=str(inner / "other"), device="/dev/other", fstype="xfs"),
    ]
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: partitions)
    assert disk_name(inner / "not" / "there") == "/dev/data xfs"
    assert disk_name(Path(inner.anchor)) == "/dev/root ext4"


def test_without_a_list_of_mounts_the_root_names_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("psutil.disk_partitions", lambda **_: [])
    assert disk_name(tmp_path) == tmp_path.anchor
