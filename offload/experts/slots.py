"""The slots of one layer: which expert is in which, and in what state.

    FREE ── take ──► LOADING ── arrived ──► READY ◄── unpin ── PINNED
     ▲                  │                     │  └──── pin ──────▲
     └───── vacate ─────┴───── vacate ────────┘

A slot that is LOADING may be pinned too: its load is demanded, and it becomes PINNED when it has arrived.
Thread rule: none of its own; the pager's lock guards it.
"""

import heapq
from enum import IntEnum


class SlotState(IntEnum):
    """State of a slot."""

    FREE = 0
    LOADING = 1
    READY = 2
    PINNED = 3


class LayerSlots:
    """At most `capacity` of `n_expert` slots in use; free slots are taken lowest first, so used memory is a prefix."""

    def __init__(self, n_expert: int, capacity: int) -> None:
        self.n_expert = n_expert
        self.capacity = capacity
        self.slot_of: dict[int, int] = {}
        self._free = list(range(n_expert))
        self._loading: set[int] = set()
        self._pins: dict[int, int] = {}

    @property
    def in_use(self) -> int:
        """Slots that hold or await an expert."""
        return len(self.slot_of)

    @property
    def has_room(self) -> bool:
        """Whether a slot may be taken without an eviction."""
        return len(self.slot_of) < self.capacity

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
        """Give an absent expert the lowest free slot; it is LOADING. The caller has made room."""
        if expert in self.slot_of or not self.has_room:
            raise ValueError(f"expert {expert} cannot take a slot: {self.in_use} of {self.capacity} are in use")
        slot = heapq.heappop(self._free)
        self.slot_of[expert] = slot
        self._loading.add(expert)
        return slot

    def arrived(self, expert: int) -> None:
        """Turn LOADING into READY, or PINNED where it is pinned."""
        self._loading.remove(expert)

    def vacate(self, expert: int) -> int:
        """Take the slot from an expert and return it: a victim, or one whose load failed. Not while pinned."""
        if expert in self._pins:
            raise ValueError(f"expert {expert} is pinned")
        slot = self.slot_of.pop(expert)
        self._loading.discard(expert)
        heapq.heappush(self._free, slot)
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
