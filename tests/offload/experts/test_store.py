"""The sizes a layout promises a slot."""

import pytest

from offload.experts.store import LayerLayout, PartLayout, WeightKind, WeightLayout, page_ceil, page_floor


def part(n_bytes: int, phase: int) -> PartLayout:
    return PartLayout(WeightKind.UP, n_bytes, WeightLayout.PLAIN, phase)


@pytest.mark.parametrize(("n_bytes", "down", "up"), [(0, 0, 0), (1, 0, 4096), (4096, 4096, 4096), (4097, 4096, 8192)])
def test_pages_are_counted_down_and_up(n_bytes: int, down: int, up: int) -> None:
    assert (page_floor(n_bytes), page_ceil(n_bytes)) == (down, up)


@pytest.mark.parametrize(
    ("n_bytes", "phase", "start", "region_bytes"),
    [(4096, 0, 0, 4096), (4096, 32, 32, 8192), (100, 32, 32, 4096), (5000, -1, 0, 8192)],
)
def test_region_holds_the_pages_a_direct_read_fills(n_bytes: int, phase: int, start: int, region_bytes: int) -> None:
    assert (part(n_bytes, phase).start, part(n_bytes, phase).region_bytes) == (start, region_bytes)


def test_layer_adds_its_parts_up() -> None:
    layer = LayerLayout(3, 8, (part(4096, 32), part(100, 0)))
    assert (layer.expert_bytes, layer.slot_bytes) == (4196, 8192 + 4096)
