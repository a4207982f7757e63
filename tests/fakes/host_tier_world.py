"""`HostTierWorld`: a host tier beside a simple model of its rules.

The model knows what is there, pinned and reserved, when each part was used last, and which parts slots hold; from that
it judges the rules numbered in the tier's docstring. Only the rules in `watched` are judged.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from fakes.byte_device import Block, Blocks
from fakes.tiny_experts import GATE, UP, TinyStore, content, key_of, layer_layout
from offload.experts.host_regions import region_bytes, shared_out, size_classes
from offload.experts.host_tier import Claim, HostTier
from offload.experts.key import ExpertKey
from offload.experts.reader import Target
from offload.experts.store import Span

STORE = TinyStore(layer_layout(0, 5, {GATE: 100, UP: 5000}), layer_layout(1, 3, {GATE: 90}))
SPANS = [
    span for layer, of in STORE.layers.items() for n in range(of.n_expert) for span in STORE.spans(ExpertKey(layer, n))
]
CLASSES = size_classes(STORE.layers)
WHOLE_BYTES = sum(region_bytes(span.n_bytes) for span in SPANS)


class _Part:
    """A part in the tier, as the model knows it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.filled = False
        self.n_pins = 1
        self.last_use = 0


class HostTierWorld:
    """A tier for a small store, everything that may be asked of it, and what must hold."""

    def __init__(self, capacity_bytes: int, watched: Collection[int] = range(1, 6)) -> None:
        self._watched = watched
        self._blocks = Blocks()
        self.tier = HostTier(STORE.layers, capacity_bytes, spare=1, reserve=self._blocks.reserve)
        self._most_bytes = capacity_bytes
        # The model.
        self.parts: dict[Span, _Part] = {}
        self.above: Counter[Span] = Counter()
        self._n_uses = self._n_in_passing = 0
        self._most = self._limits = self._shares(capacity_bytes)

    @property
    def block(self) -> Block:
        return self._blocks[0]

    @property
    def reserved(self) -> list[Span]:
        return [span for span, part in self.parts.items() if not part.filled]

    @property
    def pinned(self) -> list[Span]:
        """What was claimed and is to be given back, reserved parts included."""
        return [span for span, part in self.parts.items() if part.n_pins]

    # -- what may happen

    def lease(self, span: Span, *, passing: bool = False) -> None:
        part = self.parts.get(span)
        target = self.tier.lease(span, passing=passing)
        self._judge(2, (target is not None) == (part is not None and part.filled), f"{span} was found: {target}")
        if part is not None and target is not None:
            self._learn_pin(span, part, target, passing)

    def claim(self, span: Span, *, passing: bool = False) -> None:
        part, leaving = self.parts.get(span), self._leaving(span, sparing=False)
        may_have_room = span in self.parts or leaving or self._has_room(span)
        claim, target = self.tier.claim(span, passing=passing)
        self._learn_gone([] if part else leaving)
        self._judge(5, claim is not Claim.NO_ROOM or not may_have_room, f"no room for {span}")
        self._judge(2, (claim is Claim.THERE) == (part is not None and part.filled), f"{span} is {claim.value}")
        self._judge(1, (claim is Claim.LOADING) == (part is not None and not part.filled), f"{span} is {claim.value}")
        if target is not None and claim is Claim.THERE and part is not None:
            self._learn_pin(span, part, target, passing)
        elif target is not None:
            self._learn_reserved(span, target)

    def keep(self, span: Span) -> None:
        wanted = span not in self.parts and span not in self.above
        leaving = self._leaving(span, sparing=True) if wanted else []
        may_have_room = wanted and (leaving or self._has_room(span))
        target = self.tier.keep(span)
        self._learn_gone(leaving)
        self._judge(5, target is not None or not may_have_room, f"no room to keep {span}")
        if target is not None:
            self._judge(1, span not in self.parts, f"{span} is kept, and there already")
            self._learn_reserved(span, target)

    def commit(self, span: Span, *, passing: bool = False) -> None:
        part = self.parts[span]
        part.target.payload[:] = content(key_of(span), span.kind, span.n_bytes)
        part.filled = True
        if passing:
            self._n_in_passing += 1
            part.last_use = -self._n_in_passing
        else:
            self._use(span)
        self.tier.commit(span, passing=passing)

    def release(self, span: Span) -> None:
        part = self.parts[span]
        part.n_pins -= 1
        if not part.filled:
            del self.parts[span]
        size = region_bytes(span.n_bytes)
        leaving = self._in_order(size)[: max(0, self._n_taken(size) - self._limits[size])]
        self.tier.release(span)
        self._learn_gone(leaving)

    def promote(self, span: Span) -> None:
        self.above[span] += 1
        self._use(span)
        self.tier.promote(span)

    def demote(self, span: Span) -> None:
        self.above -= Counter([span])
        if span not in self.above:
            self._use(span)
        self.tier.demote(span)

    def resize(self, capacity_bytes: int) -> None:
        shares = self._shares(min(capacity_bytes, self._most_bytes))
        self._limits = {size: min(share, self._most[size]) for size, share in shares.items()}
        leaving = []
        for size, limit in self._limits.items():
            leaving += self._in_order(size)[: max(0, self._n_taken(size) - limit)]
        self.tier.resize(capacity_bytes)
        self._learn_gone(leaving)
        self._judge(3, self.tier.capacity_bytes <= capacity_bytes, f"{self.tier.capacity_bytes} is the capacity")

    def end(self) -> None:
        """Shrink to nothing, give everything back, and see that all regions are there still."""
        self.resize(0)
        for span in self.pinned:
            while span in self.parts and self.parts[span].n_pins:
                self.release(span)
                self.judge()
        self._judge(5, not self.parts, f"{len(self.parts)} parts are in a tier without room")
        self._judge(5, not any(self.block.view(self.block.address, self.block.n_bytes)), "memory was not given back")
        self.resize(self._most_bytes)
        for span in SPANS:
            self.claim(span)
        counts = Counter(region_bytes(span.n_bytes) for span in self.parts)
        self._judge(5, counts == Counter(self._most), f"of {self._most} regions {counts} are left")
        self.judge()

    # -- what the model learns

    def _learn_reserved(self, span: Span, target: Target) -> None:
        self.parts[span] = _Part(target)
        target.payload[:] = _rubbish(span)
        self._judge(
            3, self._n_taken(region_bytes(span.n_bytes)) <= self._limits[region_bytes(span.n_bytes)], "too many"
        )

    def _learn_pin(self, span: Span, part: _Part, target: Target, passing: bool) -> None:
        self._judge(2, target == part.target, f"{span} was found elsewhere than it was put")
        part.n_pins += 1
        if not passing:
            self._use(span)

    def _learn_gone(self, leaving: Sequence[Span]) -> None:
        gone = [span for span, part in self.parts.items() if part.filled and not self.tier.holds(span)]
        self._judge(1, not any(self.parts[span].n_pins for span in gone), f"{gone} left while in use")
        self._judge(4, set(gone) == set(leaving), f"{gone} left instead of {leaving}")
        for span in gone:
            del self.parts[span]

    def _use(self, span: Span) -> None:
        if span in self.parts:
            self._n_uses += 1
            self.parts[span].last_use = self._n_uses

    # -- what must hold

    def judge(self) -> None:
        """Judge the state between two steps."""
        self._judge_contents()
        for size, limit in self._limits.items():
            of_size = [span for span in self.parts if region_bytes(span.n_bytes) == size]
            idle = [span for span in of_size if not self.parts[span].n_pins]
            self._judge(3, len(of_size) <= limit or not idle, f"{len(of_size)} of {limit} regions of {size} are taken")
        counts, filled = self.tier.counts(), [span for span, part in self.parts.items() if part.filled]
        above = [span for span in filled if span in self.above]
        self._judge(5, (counts.n_parts, counts.n_parts_above) == (len(filled), len(above)), f"{counts}")

    def _judge_contents(self) -> None:
        taken = []
        for span, part in self.parts.items():
            whole = content(key_of(span), span.kind, span.n_bytes)
            if part.filled:
                self._judge(2, bytes(part.target.payload) == whole, f"{span} is there, but not whole")
            elif part.n_pins:
                self._judge(1, bytes(part.target.payload) == _rubbish(span), f"another wrote the region of {span}")
            taken.append(part.target.region)
        for span in SPANS:
            there = span in self.parts and self.parts[span].filled
            self._judge(2, self.tier.holds(span) == there, f"whether {span} is there: not {there}")
        self._judge(3, sum(map(len, taken)) <= self.block.n_bytes, "more regions are taken than there are")

    def _has_room(self, span: Span) -> bool:
        size = region_bytes(span.n_bytes)
        return self._n_taken(size) < self._limits[size]

    def _leaving(self, span: Span, *, sparing: bool) -> list[Span]:
        """Return who has to leave for an absent part."""
        if self._has_room(span):
            return []
        return [old for old in self._in_order(region_bytes(span.n_bytes)) if not sparing or old in self.above][:1]

    def _in_order(self, size: int) -> list[Span]:
        """Return the parts of a size that may leave, the first to leave first."""
        idle = [
            s for s, part in self.parts.items() if part.filled and not part.n_pins and region_bytes(s.n_bytes) == size
        ]
        return sorted(idle, key=lambda span: (span not in self.above, self.parts[span].last_use))

    def _n_taken(self, size: int) -> int:
        return sum(region_bytes(span.n_bytes) == size for span in self.parts)

    def _shares(self, capacity_bytes: int) -> dict[int, int]:
        counts = shared_out(CLASSES, capacity_bytes, 1)
        return {of.region_bytes: n for of, n in zip(CLASSES, counts, strict=True)}

    def _judge(self, number: int, holds: bool, complaint: str) -> None:
        assert number not in self._watched or holds, f"rule {number}: {complaint}"


def _rubbish(span: Span) -> bytes:
    """Return what lies in a reserved region until it is filled: it tells whose the region is."""
    return bytes([0x70 + SPANS.index(span)]) * span.n_bytes
