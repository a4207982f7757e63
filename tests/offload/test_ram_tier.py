"""What RAM keeps behind a device's slots."""

import pytest

from fakes.byte_blocks import ByteBlock
from fakes.byte_device import Blocks
from fakes.tiny_experts import DOWN, GATE, TinySource, TinyStore, layer_layout
from offload import ram_tier
from offload.experts.device_slots import DeviceSlots
from offload.experts.key import ExpertKey
from offload.ggml.symbols import symbols
from offload.llama.library import load
from offload.ram_tier import RamTier

STORE = TinyStore(layer_layout(0, 4, {GATE: 3000, DOWN: 5000}))
PLENTY = 1 << 20


def read(ram: RamTier, slots: DeviceSlots, n_times: int) -> None:
    """Read one expert into another slot each time."""
    source = ram.over(TinySource())
    for slot in range(n_times):
        spans = STORE.spans(ExpertKey(0, 2))
        source.read_spans(spans, {span.kind: slots.target(0, span.kind, slot) for span in spans})


@pytest.fixture
def ram() -> RamTier:
    load()
    return RamTier(STORE.layers, slots(), symbols().ggml_backend_dev_by_name(b"CPU"), 1)


def slots() -> DeviceSlots:
    return DeviceSlots(STORE, {0: 2}, ByteBlock, staged=False)


def test_nothing_is_kept_at_first(ram: RamTier) -> None:
    read(ram, slots(), 2)
    assert (ram.tier.counts().hits, ram.tier.counts().n_parts) == (0, 0)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_what_is_kept_is_said_before_or_after_who_reads(ram: RamTier, before: bool) -> None:
    if before:
        ram.keep(PLENTY)
        read(ram, slots(), 2)
    else:
        source = ram.over(TinySource())
        ram.keep(PLENTY)
        source.prefetch(STORE.spans(ExpertKey(0, 2)))
        assert source.prefetch(STORE.spans(ExpertKey(0, 2))) == 0
    assert ram.tier.counts().n_parts == 2


def test_it_is_pinned_where_the_driver_has_such_memory(ram: RamTier, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = Blocks()
    monkeypatch.setattr(ram_tier, "PinnedMemory", lambda device, n_bytes: pinned.reserve(n_bytes))
    ram.keep(PLENTY)
    assert len(pinned) == 1
    ram.keep(2 * PLENTY)
    assert [block.closed for block in pinned] == [True, False]
    ram.close()
    assert pinned[-1].closed
