"""Facts of the machine, read from made-up trees, and from this one where only bounds can be told."""

import os
import shutil
from pathlib import Path

import pytest

from fakes.linux_tree import CGROUP_V2_MOUNT, GIB, write_tree
from offload.errors import UsageError
from offload.machine import (
    MachineMemory,
    ResidentMemory,
    backs_all_with_huge_pages,
    cpu_flags,
    free_disk_bytes,
    machine_memory,
    physical_cores,
    resident_memory,
)

CPU = "sys/devices/system/cpu"
HYPERTHREADED = {
    f"{CPU}/cpu0/topology/core_cpus_list": "0,2\n",
    f"{CPU}/cpu1/topology/core_cpus_list": "1,3\n",
    f"{CPU}/cpu2/topology/core_cpus_list": "0,2\n",
    f"{CPU}/cpu3/topology/core_cpus_list": "1,3\n",
}


def allowed(processors: str) -> dict[str, str]:
    return {"proc/self/status": f"Name:\tx\nCpus_allowed_list:\t{processors}\n"}


def quota(cpu_max: str) -> dict[str, str]:
    return {
        "proc/self/cgroup": "0::/\n",
        "proc/self/mountinfo": CGROUP_V2_MOUNT,
        "sys/fs/cgroup/cpu.max": cpu_max,
    }


@pytest.mark.parametrize(("processors", "cores"), [("0-3", 2), ("0,2", 1), ("0-1", 2), ("1-2", 2), ("3", 1)])
def test_hyperthreads_of_one_core_count_once_and_forbidden_cores_not_at_all(
    tmp_path: Path, processors: str, cores: int
) -> None:
    write_tree(tmp_path, HYPERTHREADED | allowed(processors))
    assert physical_cores(tmp_path) == cores


def test_an_older_kernel_s_name_for_the_siblings_is_read(tmp_path: Path) -> None:
    files = {name.replace("core_cpus_list", "thread_siblings_list"): text for name, text in HYPERTHREADED.items()}
    write_tree(tmp_path, files | allowed("0-3"))
    assert physical_cores(tmp_path) == 2


def test_without_a_topology_every_allowed_processor_is_a_core(tmp_path: Path) -> None:
    write_tree(tmp_path, allowed("0-1,8-9"))
    assert physical_cores(tmp_path) == 4


@pytest.mark.parametrize(("cpu_max", "cores"), [("350000 100000", 3), ("50000 100000", 1), ("max 100000", 8)])
def test_a_quota_is_rounded_down_but_never_to_nothing(tmp_path: Path, cpu_max: str, cores: int) -> None:
    write_tree(tmp_path, allowed("0-7") | quota(cpu_max))
    assert physical_cores(tmp_path) == cores


def test_a_system_without_proc_still_names_its_cores(tmp_path: Path) -> None:
    assert 1 <= physical_cores(tmp_path) <= (os.cpu_count() or 1)


MEMINFO = {"proc/meminfo": f"MemTotal:  {16 * GIB // 1024} kB\nMemFree:  1024 kB\nMemAvailable: {9 * GIB // 1024} kB\n"}


def limited(limit_bytes: int, used_bytes: int) -> dict[str, str]:
    return {
        "proc/self/cgroup": "0::/app\n",
        "proc/self/mountinfo": CGROUP_V2_MOUNT,
        "sys/fs/cgroup/app/memory.max": str(limit_bytes),
        "sys/fs/cgroup/app/memory.current": str(used_bytes),
    }


def test_without_a_limit_memory_is_the_machine_s(tmp_path: Path) -> None:
    write_tree(tmp_path, MEMINFO)
    assert machine_memory(tmp_path) == MachineMemory(16 * GIB, 9 * GIB)


def test_a_tight_control_group_bounds_total_and_available(tmp_path: Path) -> None:
    write_tree(tmp_path, MEMINFO | limited(4 * GIB, GIB))
    assert machine_memory(tmp_path) == MachineMemory(4 * GIB, 3 * GIB)


def test_a_wide_control_group_cannot_give_more_than_the_machine_has(tmp_path: Path) -> None:
    write_tree(tmp_path, MEMINFO | limited(64 * GIB, GIB))
    assert machine_memory(tmp_path) == MachineMemory(16 * GIB, 9 * GIB)


def test_a_system_without_proc_still_tells_its_memory(tmp_path: Path) -> None:
    memory = machine_memory(tmp_path)
    assert 0 < memory.available_bytes <= memory.total_bytes


def test_resident_memory_and_its_peak_are_read_in_bytes(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/self/status": "VmPeak:\t9 kB\nVmHWM:\t    300 kB\nVmRSS:\t    200 kB\n"})
    assert resident_memory(tmp_path) == ResidentMemory(200 * 1024, 300 * 1024)


def test_a_peak_that_lags_is_never_below_the_present(tmp_path: Path) -> None:
    write_tree(tmp_path, {"proc/self/status": "VmHWM:\t100 kB\nVmRSS:\t120 kB\n"})
    assert resident_memory(tmp_path).peak_bytes == 120 * 1024


def test_memory_this_process_touches_becomes_resident() -> None:
    before = resident_memory()
    touched = bytearray(b"x" * (64 * 1024**2))
    after = resident_memory()
    assert after.current_bytes - before.current_bytes > 48 * 1024**2
    assert after.peak_bytes >= after.current_bytes >= len(touched)


def test_a_system_without_proc_still_tells_resident_memory(tmp_path: Path) -> None:
    memory = resident_memory(tmp_path)
    # A Python process takes megabytes; a unit taken wrongly would be off by 1024.
    assert 4 * 1024**2 < memory.current_bytes <= memory.peak_bytes < 1024**4


@pytest.mark.parametrize("line", ["flags\t\t: fpu avx2 avx512f\n", "Features\t: fpu avx2 avx512f\n"])
def test_processor_features_are_those_of_the_first_processor(tmp_path: Path, line: str) -> None:
    write_tree(tmp_path, {"proc/cpuinfo": f"processor\t: 0\nvmx flags\t: vnmi\n{line}\nprocessor\t: 1\nflags\t: fpu\n"})
    assert cpu_flags(tmp_path) == {"fpu", "avx2", "avx512f"}


def test_a_system_without_cpuinfo_still_describes_its_processor(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path)


def test_free_space_of_a_folder_that_is_still_to_be_made_is_its_parent_s(tmp_path: Path) -> None:
    total_bytes = shutil.disk_usage(tmp_path).total
    assert 0 < free_disk_bytes(tmp_path / "not" / "yet") <= total_bytes


def test_a_folder_that_cannot_be_looked_at_is_a_usage_error(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 5000)
    with pytest.raises(UsageError, match="Cannot tell the free space"):
        free_disk_bytes(too_long)


@pytest.mark.parametrize(
    ("text", "backs_all"),
    [("[always] madvise never\n", True), ("always [madvise] never\n", False), ("always madvise [never]\n", False)],
)
def test_huge_pages_may_be_what_all_memory_is_backed_with(tmp_path: Path, text: str, backs_all: bool) -> None:
    write_tree(tmp_path, {"sys/kernel/mm/transparent_hugepage/enabled": text})
    assert backs_all_with_huge_pages(tmp_path) == backs_all


def test_a_system_that_says_nothing_of_huge_pages_has_none(tmp_path: Path) -> None:
    assert not backs_all_with_huge_pages(tmp_path)
