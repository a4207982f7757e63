"""`TieredWorld`: a tiered source over a disk and a device that say what was asked of them."""

from collections.abc import Callable, Sequence

from fakes.byte_device import Block, ByteDevice
from fakes.tiny_experts import DOWN, GATE, UP, TinySource, TinyStore, layer_layout
from offload.experts.device_target import DeviceTarget
from offload.experts.host_regions import region_bytes
from offload.experts.host_tier import Claim, HostTier
from offload.experts.key import ExpertKey
from offload.experts.store import PAGE, Span, WeightKind
from offload.experts.tiered_source import TieredSource

SIZES = {GATE: 300, UP: 300, DOWN: 5000}
EXPERT_REGION_BYTES = 2 * 2 * PAGE + 3 * PAGE
HALF = (GATE, UP)


class TieredWorld:
    """Two layers of six experts, and room in memory for `n_in_memory` of them."""

    def __init__(self, n_in_memory: int, tier: Callable[..., HostTier] = HostTier) -> None:
        self.store = TinyStore(layer_layout(0, 6, SIZES), layer_layout(1, 6, SIZES))
        self.disk, self.device = TinySource(), ByteDevice(self.store)
        self.tier = tier(self.store.layers, n_in_memory * EXPERT_REGION_BYTES, spare=1, reserve=Block)
        self.source = TieredSource(self.disk, self.tier, self.device)

    def spans(self, expert: int, kinds: Sequence[WeightKind] = tuple(SIZES), layer: int = 0) -> list[Span]:
        return [span for span in self.store.spans(ExpertKey(layer, expert)) if span.kind in kinds]

    def span(self, expert: int, kind: WeightKind) -> Span:
        return self.spans(expert, (kind,))[0]

    def slots(self, slot: int) -> dict[WeightKind, DeviceTarget]:
        return {kind: self.device.slot(0, kind, slot) for kind in SIZES}

    def load(self, expert: int, slot: int, kinds: Sequence[WeightKind] = tuple(SIZES)) -> int:
        return self.source.read_spans(self.spans(expert, kinds), self.slots(slot))

    def slot_holds(self, slot: int, expert: int, kinds: Sequence[WeightKind] = tuple(SIZES)) -> bool:
        return all(self.device.holds(self.slots(slot)[kind], ExpertKey(0, expert), kind) for kind in kinds)

    def in_memory(self, kind: WeightKind = GATE) -> list[int]:
        return [expert for expert in range(6) if self.tier.holds(self.span(expert, kind))]

    @property
    def n_reads(self) -> int:
        """How many parts were asked of the disk."""
        return len(self.disk.begun)

    def nothing_is_on_its_way(self) -> bool:
        """Say whether every region can be had: nothing is reserved or pinned any more."""
        self.tier.resize(0)
        self.tier.resize(1 << 30)
        spans = [span for layer in range(2) for expert in range(6) for span in self.spans(expert, layer=layer)]
        reserved = [span for span in spans if self.tier.claim(span).claim is Claim.RESERVED]
        for span in reserved:
            self.tier.release(span)
        return sum(region_bytes(span.n_bytes) for span in reserved) == self.tier.capacity_bytes
