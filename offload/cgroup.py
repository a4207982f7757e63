"""Control groups of Linux, v1 and v2: what they leave this process of memory and of processor time.

A limit set on a parent binds all its children, so every level counts, from the process's own group up to the mount.
Nothing here raises: a file that is missing, unreadable or not understood sets no limit.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the Linux kernel, man 5 proc (mountinfo).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """One group's limit in bytes, and what of it the group's processes could still take."""

    limit_bytes: int
    available_bytes: int


def memory_limits(root: Path) -> list[MemoryLimit]:
    """Return the memory limits this process is under, innermost first; `root` holds `proc` and `sys`."""
    limits = []
    for group in _groups(root, "memory"):
        bounds = [_number(group / name) for name in ("memory.max", "memory.high", "memory.limit_in_bytes")]
        limit_bytes = min((bound for bound in bounds if bound is not None), default=None)
        if limit_bytes is not None:
            limits.append(MemoryLimit(limit_bytes, max(0, limit_bytes - _needed_bytes(group))))
    return limits


def cpu_quota(root: Path) -> float | None:
    """Return how many processors' time this process may use; None where no group limits it."""
    quotas = []
    for group in _groups(root, "cpu"):
        match (_text(group / "cpu.max") or _v1_quota(group)).split():
            case [quota, period] if quota.isdecimal() and period.isdecimal() and int(period) > 0:
                quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _needed_bytes(group: Path) -> int:
    """Return what the group uses without its file cache, which the kernel gives up before a limit is hit."""
    used_bytes = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes") or 0
    stat = dict(re.findall(r"^(\w+) (\d+)$", _text(group / "memory.stat"), re.MULTILINE))
    # v1 counts the group alone, and with its children under total_; v2 counts the children always.
    prefix = "total_" if "total_inactive_file" in stat else ""
    cache_bytes = sum(int(stat.get(f"{prefix}{name}_file", 0)) for name in ("inactive", "active"))
    return max(0, used_bytes - cache_bytes)


def _v1_quota(group: Path) -> str:
    return f"{_text(group / 'cpu.cfs_quota_us')} {_text(group / 'cpu.cfs_period_us')}"


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups that `controller` may act in, each hierarchy from the inside out."""
    mounts = _mounts(root)
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, own_path = rest.partition(":")
        kind = "cgroup2" if number == "0" else "cgroup"
        if kind == "cgroup" and controller not in controllers.split(","):
            continue
        for mount in mounts:
            if mount.kind == kind and (kind == "cgroup2" or controller in mount.options):
                below = mount.below(own_path)
                folder = root / mount.point.lstrip("/")
                yield from (folder / below, *(folder / parent for parent in below.parents))
                break


@dataclass(frozen=True, slots=True)
class _Mount:
    kind: str
    top: str
    """The group that is seen at `point`; `/` but in some containers."""
    point: str
    options: frozenset[str]

    def below(self, own_path: str) -> PurePosixPath:
        """Return the group `own_path` as seen from `point`; `point` itself where it cannot be seen."""
        path = PurePosixPath(own_path)
        return (
            path.relative_to(self.top) if path.is_relative_to(self.top) and ".." not in path.parts else PurePosixPath()
        )


def _mounts(root: Path) -> list[_Mount]:
    mounts = []
    for line in _text(root / "proc/self/mountinfo").splitlines():
        match [part.split() for part in line.split(" - ", 1)]:
            case [[_, _, _, top, point, *_], [("cgroup" | "cgroup2") as kind, _, options, *_]]:
                mounts.append(_Mount(kind, _unescaped(top), _unescaped(point), frozenset(options.split(","))))
    return mounts


def _unescaped(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), path)


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() and text.isascii() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
