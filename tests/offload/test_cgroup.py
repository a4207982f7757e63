"""Limits of control groups, read from made-up trees."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.linux_tree import CGROUP_V1_MOUNTS, CGROUP_V2_MOUNT, GIB, write_tree
from offload.cgroup import MemoryLimit, cpu_quota, memory_limits

UNLIMITED_V1 = "9223372036854771712"


def test_without_control_groups_there_are_no_limits(tmp_path: Path) -> None:
    assert memory_limits(tmp_path) == []
    assert cpu_quota(tmp_path) is None


def test_a_v2_limit_gives_what_is_neither_used_nor_reclaimable(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user/app\n",
            "proc/self/mountinfo": CGROUP_V2_MOUNT,
            "sys/fs/cgroup/user/app/memory.max": 4 * GIB,
            "sys/fs/cgroup/user/app/memory.current": 3 * GIB,
            "sys/fs/cgroup/user/app/memory.stat": f"anon {GIB}\ninactive_file {GIB}\nactive_file {GIB // 2}\n",
        },
    )
    assert memory_limits(tmp_path) == [MemoryLimit(4 * GIB, 5 * GIB // 2)]


def test_every_parent_is_looked_at_innermost_first(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/slice/app\n",
            "proc/self/mountinfo": CGROUP_V2_MOUNT,
            "sys/fs/cgroup/slice/app/memory.max": "max",
            "sys/fs/cgroup/slice/memory.max": 2 * GIB,
            "sys/fs/cgroup/memory.max": 8 * GIB,
        },
    )
    assert [limit.limit_bytes for limit in memory_limits(tmp_path)] == [2 * GIB, 8 * GIB]


def test_the_throttling_mark_of_v2_is_a_limit_too(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": CGROUP_V2_MOUNT,
            "sys/fs/cgroup/memory.max": 4 * GIB,
            "sys/fs/cgroup/memory.high": 3 * GIB,
        },
    )
    assert memory_limits(tmp_path) == [MemoryLimit(3 * GIB, 3 * GIB)]


def test_a_v1_limit_counts_the_children_s_file_cache_as_reclaimable(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "9:name=systemd:/\n4:memory:/job/7\n0::/\n",
            "proc/self/mountinfo": CGROUP_V1_MOUNTS,
            "sys/fs/cgroup/memory/job/7/memory.limit_in_bytes": 4 * GIB,
            "sys/fs/cgroup/memory/job/7/memory.usage_in_bytes": 2 * GIB,
            "sys/fs/cgroup/memory/job/7/memory.stat": (
                f"inactive_file 4096\nactive_file 0\ntotal_inactive_file {GIB}\ntotal_active_file {GIB // 4}\n"
            ),
        },
    )
    assert memory_limits(tmp_path) == [MemoryLimit(4 * GIB, 13 * GIB // 4)]


def test_in_a_container_the_mount_shows_the_own_group_at_its_top(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/ab\n",
            "proc/self/mountinfo": "35 31 0:31 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": GIB,
        },
    )
    assert [limit.limit_bytes for limit in memory_limits(tmp_path)] == [GIB]


@pytest.mark.parametrize("own_path", ["/../../other", "/elsewhere"])
def test_a_group_that_cannot_be_seen_leaves_the_top_of_the_mount(tmp_path: Path, own_path: str) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": f"4:memory:{own_path}\n",
            "proc/self/mountinfo": "35 31 0:31 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": GIB,
        },
    )
    assert [limit.limit_bytes for limit in memory_limits(tmp_path)] == [GIB]


def test_a_mount_point_with_a_space_is_found(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": "30 1 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n",
            "my groups/memory.max": GIB,
        },
    )
    assert [limit.limit_bytes for limit in memory_limits(tmp_path)] == [GIB]


def test_a_group_that_uses_more_than_its_limit_leaves_nothing(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": CGROUP_V2_MOUNT,
            "sys/fs/cgroup/memory.max": GIB,
            "sys/fs/cgroup/memory.current": 2 * GIB,
        },
    )
    assert memory_limits(tmp_path) == [MemoryLimit(GIB, 0)]


def test_the_tightest_v2_quota_is_taken(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/slice/app\n",
            "proc/self/mountinfo": CGROUP_V2_MOUNT,
            "sys/fs/cgroup/slice/app/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/slice/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
        },
    )
    assert cpu_quota(tmp_path) == 1.5


@pytest.mark.parametrize(("quota", "expected"), [("250000", 2.5), ("-1", None)])
def test_a_v1_quota_is_read_and_minus_one_is_none(tmp_path: Path, quota: str, expected: float | None) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "1:cpu,cpuacct:/\n",
            "proc/self/mountinfo": CGROUP_V1_MOUNTS,
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota,
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": 100000,
        },
    )
    assert cpu_quota(tmp_path) == expected


def test_the_unlimited_mark_of_v1_is_a_limit_above_any_machine(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/\n",
            "proc/self/mountinfo": CGROUP_V1_MOUNTS,
            "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED_V1,
        },
    )
    assert [limit.available_bytes for limit in memory_limits(tmp_path)] == [int(UNLIMITED_V1)]


@given(
    cgroup=st.text(alphabet="0149:/memory,.\n-", max_size=40),
    mountinfo=st.text(alphabet="03 /cgroup2-,rw\\\n", max_size=60),
    value=st.text(alphabet="0129max -\n٣", max_size=12),
)
def test_files_that_make_no_sense_set_no_limit_and_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, cgroup: str, mountinfo: str, value: str
) -> None:
    root = tmp_path_factory.mktemp("tree")
    write_tree(
        root,
        {
            "proc/self/cgroup": f"{cgroup}\n0::/\n",
            "proc/self/mountinfo": f"{mountinfo}\n{CGROUP_V2_MOUNT}",
            "sys/fs/cgroup/memory.max": value,
            "sys/fs/cgroup/cpu.max": value,
        },
    )
    assert all(limit.available_bytes >= 0 for limit in memory_limits(root))
    assert (cpu_quota(root) or 0) >= 0
