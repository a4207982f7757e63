"""Scratch memory of a reading thread."""

import numpy as np

from offload.experts.bounce import BounceBuffer


def test_region_is_whole_aligned_writable_pages() -> None:
    region = BounceBuffer().region(5000)
    assert len(region) == 8192
    assert not region.readonly
    assert np.frombuffer(region, np.uint8).ctypes.data % 4096 == 0


def test_memory_is_used_again() -> None:
    bounce = BounceBuffer()
    bounce.region(9000)[0] = 42
    assert bounce.region(100)[0] == 42


def test_larger_region_leaves_views_of_the_smaller_alone() -> None:
    bounce = BounceBuffer()
    small = bounce.region(100)
    small[0] = 42
    bounce.region(100_000)[0] = 1
    assert small[0] == 42
