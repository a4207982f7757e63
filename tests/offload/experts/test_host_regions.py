"""How the host tier's memory is shared among sizes of parts, and what becomes of a region."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fakes.byte_device import Block, Blocks
from fakes.tiny_experts import DOWN, GATE, UP, layer_layout
from offload.experts.host_regions import HostRegions, Region, SizeClass, region_bytes, shared_out, size_classes
from offload.experts.store import PAGE

LAYERS = {0: layer_layout(0, 4, {GATE: 100, DOWN: 5000}), 1: layer_layout(1, 3, {UP: PAGE})}
SMALL, LARGE = 2 * PAGE, 3 * PAGE
CLASSES = st.lists(
    st.builds(SizeClass, st.integers(2, 40).map(lambda n: n * PAGE), st.integers(1, 50)), max_size=4, unique_by=min
).map(sorted)


@pytest.mark.parametrize(
    ("n_bytes", "pages"), [(1, 2), (PAGE - 1, 2), (PAGE, 2), (PAGE + 1, 3), (2 * PAGE, 3), (2 * PAGE + 1, 4)]
)
def test_a_region_has_room_for_its_part_anywhere_in_a_page(n_bytes: int, pages: int) -> None:
    assert region_bytes(n_bytes) == pages * PAGE


def test_parts_that_fill_as_many_pages_share_a_size() -> None:
    assert size_classes(LAYERS) == (SizeClass(SMALL, 7), SizeClass(LARGE, 4))


def test_capacity_is_shared_by_the_bytes_of_the_parts() -> None:
    classes = [SizeClass(10 * PAGE, 100), SizeClass(20 * PAGE, 300)]
    assert shared_out(classes, 3500 * PAGE, 1) == (50, 150)


def test_no_size_gets_more_regions_than_parts() -> None:
    assert shared_out([SizeClass(SMALL, 7), SizeClass(LARGE, 4)], 1 << 40, 16) == (7, 4)


def test_each_size_gets_the_spare_regions_first() -> None:
    classes = [SizeClass(SMALL, 4), SizeClass(LARGE, 4000)]
    assert shared_out(classes, 401 * PAGE, 1) == (1, 133)
    assert shared_out(classes, 402 * PAGE, 3) == (3, 132)
    assert shared_out(classes, 401 * PAGE, 8) == (4, 131)


def test_without_room_for_the_spare_regions_each_size_has_one() -> None:
    assert shared_out([SizeClass(SMALL, 9), SizeClass(LARGE, 9)], SMALL + LARGE, 3) == (1, 1)


def test_without_room_for_one_of_each_size_there_are_none() -> None:
    assert shared_out([SizeClass(SMALL, 9), SizeClass(LARGE, 9)], SMALL + LARGE - 1, 1) == (0, 0)
    assert shared_out([SizeClass(SMALL, 9)], 0, 1) == (0,)


@given(CLASSES, st.integers(0, 4000), st.integers(1, 6))
def test_nothing_that_can_be_used_is_left_over(classes: list[SizeClass], pages: int, spare: int) -> None:
    capacity = pages * PAGE
    counts = shared_out(classes, capacity, spare)
    used = sum(of.region_bytes * n for of, n in zip(classes, counts, strict=True))
    assert used <= capacity
    assert all(n <= of.n_parts for of, n in zip(classes, counts, strict=True))
    one_of_each = sum(of.region_bytes for of in classes)
    assert all(counts) == (one_of_each <= capacity) or not classes
    full = all(n == of.n_parts for of, n in zip(classes, counts, strict=True))
    assert full or capacity - used < one_of_each


def taken(regions: HostRegions, size: int) -> list[Region]:
    found = []
    while (region := regions.take(size)) is not None:
        found.append(region)
    return found


def test_regions_lie_apart_within_the_block() -> None:
    blocks = Blocks()
    regions = HostRegions(LAYERS, 1 << 30, 1, blocks.reserve)
    found = sorted(taken(regions, SMALL) + taken(regions, LARGE))
    assert [region.n_bytes for region in found] == [SMALL] * 7 + [LARGE] * 4
    (block,) = blocks
    ends = [region.address + region.n_bytes for region in found]
    assert [region.address for region in found] == [block.address, *ends[:-1]]
    assert ends[-1] == block.address + block.n_bytes
    assert regions.capacity_bytes == block.n_bytes == 7 * SMALL + 4 * LARGE


def test_a_retired_region_is_taken_again_only_when_it_is_freed() -> None:
    regions = HostRegions(LAYERS, SMALL + LARGE, 1, Block)
    (region,) = taken(regions, SMALL)
    regions.retire(region)
    assert regions.take(SMALL) is None
    regions.freed(region)
    assert regions.take(SMALL) == region


def test_a_smaller_capacity_leaves_what_is_taken_in_surplus() -> None:
    regions = HostRegions(LAYERS, 1 << 30, 1, Block)
    found = taken(regions, SMALL)
    regions.resize(SMALL + LARGE)
    assert regions.surplus(SMALL) == len(found) - 1
    assert regions.surplus(LARGE) == -1
    for region in found:
        regions.retire(region)
        regions.freed(region)
    assert len(taken(regions, SMALL)) == 1


def test_capacity_grows_again_but_not_beyond_what_was_reserved() -> None:
    regions = HostRegions(LAYERS, 3 * SMALL + 2 * LARGE, 1, Block)
    most = regions.capacity_bytes
    regions.resize(0)
    assert regions.capacity_bytes == 0
    assert taken(regions, SMALL) == []
    regions.resize(1 << 30)
    assert regions.capacity_bytes == most


UNEVEN = {
    n: layer_layout(n, n_expert, {GATE: (pages - 1) * PAGE})
    for n, n_expert, pages in ((0, 1, 9), (1, 2, 12), (2, 11, 15))
}
"""Of these, 80 pages hold two parts of 12 pages, 81 pages one, and one more of 15 pages."""


@pytest.mark.parametrize(("first", "then"), [(80, 81), (81, 80), (80, 1000), (81, 0), (198, 120)])
def test_the_capacity_is_what_can_be_taken(first: int, then: int) -> None:
    regions = HostRegions(UNEVEN, first * PAGE, 4, Block)
    most = regions.capacity_bytes
    regions.resize(then * PAGE)
    in_regions = sum(size for size in regions.sizes for _ in taken(regions, size))
    assert in_regions == regions.capacity_bytes <= min(first, then) * PAGE
    if then >= first:
        assert regions.capacity_bytes == most


def test_no_capacity_reserves_nothing() -> None:
    blocks = Blocks()
    regions = HostRegions(LAYERS, SMALL, 1, blocks.reserve)
    assert blocks[0].n_bytes == regions.capacity_bytes == 0
    assert regions.take(SMALL) is None
