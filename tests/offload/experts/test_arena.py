"""Reserved memory: where it lies, what releasing does, and that closing is safe."""

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from offload.experts.arena import HUGE_PAGE, Arena


def test_it_begins_at_a_huge_page() -> None:
    assert Arena(3 * mmap.PAGESIZE).address % HUGE_PAGE == 0


def test_a_view_is_the_memory_at_its_address() -> None:
    arena = Arena(HUGE_PAGE)
    view = arena.view(arena.address + 4096, 100)
    view[:] = b"\x5a" * 100
    assert np.frombuffer(view, np.uint8).__array_interface__["data"][0] == arena.address + 4096
    assert bytes(arena.view(arena.address + 4090, 12)) == b"\0" * 6 + b"\x5a" * 6


def test_all_of_it_can_be_written() -> None:
    arena = Arena(3 * mmap.PAGESIZE)
    view = arena.view(arena.address, arena.n_bytes)
    view[:] = b"\x01" * len(view)
    assert len(view) == 3 * mmap.PAGESIZE


def test_more_than_memory_can_be_reserved() -> None:
    arena = Arena(1 << 38)
    arena.view(arena.address + (1 << 37), 1)[0] = 1
    arena.close()


@pytest.mark.parametrize(("first", "last"), [(1, 3), (0, 4), (3, 4)])
def test_released_pages_read_as_zero_and_others_stay(first: int, last: int) -> None:
    arena = Arena(4 * mmap.PAGESIZE)
    view = arena.view(arena.address, arena.n_bytes)
    view[:] = b"\x01" * len(view)
    arena.release(arena.address + first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)
    kept = [page for page in range(4) if view[page * mmap.PAGESIZE] == 1]
    released = set(range(first, last)) if sys.platform == "linux" else set()
    assert kept == [page for page in range(4) if page not in released]


def test_pages_that_are_released_in_part_stay() -> None:
    arena = Arena(4 * mmap.PAGESIZE)
    view = arena.view(arena.address, arena.n_bytes)
    view[:] = b"\x01" * len(view)
    arena.release(arena.address + 1, mmap.PAGESIZE)
    arena.release(arena.address + 2 * mmap.PAGESIZE, mmap.PAGESIZE - 1)
    assert view[0] == view[mmap.PAGESIZE] == view[2 * mmap.PAGESIZE] == 1


@pytest.mark.parametrize(
    ("start", "n_bytes", "huge"),
    [(0, 0, 0), (0, HUGE_PAGE, 1), (0, HUGE_PAGE - 1, 0), (1, HUGE_PAGE, 0), (4096, 3 * HUGE_PAGE - 4096, 2)],
)
def test_only_whole_huge_pages_of_a_range_are_asked_for(start: int, n_bytes: int, huge: int) -> None:
    arena = Arena(3 * HUGE_PAGE)
    arena.use_small_pages()
    arena.use_huge_pages(arena.address + start, n_bytes)
    view = arena.view(arena.address, arena.n_bytes)
    view[:] = b"\x01" * len(view)
    assert advised_bytes(arena) == (huge * HUGE_PAGE if sys.platform == "linux" else 0)


def advised_bytes(arena: Arena) -> int:
    """Return how much of an arena Linux was asked to back with huge pages. Source: proc(5), VmFlags of smaps."""
    if sys.platform != "linux":
        return 0
    advised, overlap = 0, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name = line.split()[0]
        if not name.endswith(":"):
            first, last = (int(part, 16) for part in name.split("-"))
            overlap = max(0, min(last, arena.address + arena.n_bytes) - max(first, arena.address))
        elif name == "VmFlags:" and "hg" in line.split():
            advised += overlap
    return advised


def test_closing_twice_is_harmless() -> None:
    arena = Arena(mmap.PAGESIZE)
    arena.close()
    arena.close()


def test_views_outlive_closing() -> None:
    arena = Arena(mmap.PAGESIZE)
    view = arena.view(arena.address, 10)
    array = np.frombuffer(view, np.uint8)
    arena.close()
    view[:] = b"\x07" * 10
    assert array.sum() == 70


def test_a_closed_arena_gives_no_views() -> None:
    arena = Arena(mmap.PAGESIZE)
    arena.close()
    with pytest.raises(ValueError, match="released"):
        arena.view(arena.address, 1)
