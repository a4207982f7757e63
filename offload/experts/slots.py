"""The slots of one layer: which expert is in which, and in what state.

    FREE ── take ──► LOADING ── arrived ──► READY ◄── unpin ── PINNED
     ▲                  │                     │  └──── pin ──────▲
     └───── vacate ─────┴───── vacate ────────┘

A slot that is LOADING may be pinned too: its load is demanded, and it becomes PINNED when it has arrived.
Thread rule: none of its own; the pager's lock guards it.
"""

import heapq
from collections.abc import Iterable
from enum import IntEnum


class SlotState(IntEnum):
    """State of a slot."""

    FREE = 0
    LOADING = 1
    READY = 2
    PINNED = 3


class LayerSlots:
    """At most `capacity` of `n_expert` slots in use.

    A vacated slot keeps its memory and is taken before one without, so no more slots than `capacity` have memory; those
    without are taken lowest first.
    """

    def __init__(self, n_expert: int, capacity: int) -> None:
        self.n_expert = n_expert
        self.capacity = capacity
        self.reserved = 0
        """Slots an acquisition under way counts on: they may be taken though `capacity` has shrunk meanwhile."""
        self.slot_of: dict[int, int] = {}
        self._vacated: list[int] = []
        self._untouched = list(range(n_expert))
        self._loading: set[int] = set()
        self._pins: dict[int, int] = {}

    @property
    def in_use(self) -> int:
        """Slots that hold or await an expert."""
        return len(self.slot_of)

    @property
    def has_room(self) -> bool:
        """Whether a slot may be taken without an eviction."""
        return len(self.slot_of) < max(self.capacity, self.reserved)

    def state(self, expert: int) -> SlotState:
        """Return the state of the expert's slot; FREE when it has none."""
        if expert not in self.slot_of:
            return SlotState.FREE
        if expert in self._loading:
            return SlotState.LOADING
        return SlotState.PINNED if expert in self._pins else SlotState.READY

    def pinned(self, expert: int) -> bool:
        """Say whether the expert is held in its slot, loading or not."""
        return expert in self._pins

    def evictable(self, expert: int) -> bool:
        """Say whether the expert may be a victim: resident, neither loading nor pinned."""
        return self.state(expert) is SlotState.READY

    def take(self, expert: int) -> int:
        """Give an absent expert a free slot; it is LOADING. The caller has made room."""
        if expert in self.slot_of or not self.has_room:
            raise ValueError(f"expert {expert} cannot take a slot: {self.in_use} of {self.capacity} are in use")
        slot = self._vacated.pop() if self._vacated else heapq.heappop(self._untouched)
        self.slot_of[expert] = slot
        self._loading.add(expert)
        return slot

    def arrived(self, expert: int) -> None:
        """Turn LOADING into READY, or PINNED where it is pinned."""
        self._loading.remove(expert)

    def vacate(self, expert: int) -> None:
        """Take the slot from an expert: a victim, or one whose load failed. Not while pinned."""
        if expert in self._pins:
            raise ValueError(f"expert {expert} is pinned")
        self._vacated.append(self.slot_of.pop(expert))
        self._loading.discard(expert)

    def retire(self) -> int | None:
        """Return a vacated slot whose memory is to be released; None while no more than `capacity` have memory."""
        if not self._vacated or len(self.slot_of) + len(self._vacated) <= self.capacity:
            return None
        slot = self._vacated.pop()
        heapq.heappush(self._untouched, slot)
        return slot

    def pin(self, expert: int) -> None:
        """Hold an expert in its slot, once more."""
        self._pins[expert] = self._pins.get(expert, 0) + 1

    def unpin(self, expert: int) -> None:
        """Undo one `pin`."""
        left = self._pins[expert] - 1
        if left:
            self._pins[expert] = left
        else:
            del self._pins[expert]

    def pin_all(self, experts: Iterable[int]) -> None:
        """Hold experts in their slots, once more."""
        for expert in experts:
            self.pin(expert)

    def unpin_all(self, experts: Iterable[int]) -> None:
        """Undo one `pin_all` of these experts."""
        for expert in experts:
            self.unpin(expert)
