"""The slots of a layer: which are taken, which keep their memory, and what may not leave."""

import pytest

from offload.experts.slots import LayerSlots, SlotState


def filled(capacity: int, *experts: int, n_expert: int = 8) -> LayerSlots:
    slots = LayerSlots(n_expert, capacity)
    for expert in experts:
        slots.take(expert)
        slots.arrived(expert)
    return slots


def test_an_expert_goes_from_free_to_loading_to_ready_to_pinned_and_back() -> None:
    slots = LayerSlots(4, 2)
    states = [slots.state(3)]
    slots.take(3)
    states.append(slots.state(3))
    slots.arrived(3)
    states.append(slots.state(3))
    slots.pin(3)
    states.append(slots.state(3))
    slots.unpin(3)
    states.append(slots.state(3))
    slots.vacate(3)
    states.append(slots.state(3))
    assert states == [
        SlotState.FREE,
        SlotState.LOADING,
        SlotState.READY,
        SlotState.PINNED,
        SlotState.READY,
        SlotState.FREE,
    ]


def test_untouched_slots_are_taken_lowest_first() -> None:
    assert [LayerSlots(4, 3).take(9)] == [0]
    assert filled(3, 7, 2, 5).slot_of == {7: 0, 2: 1, 5: 2}


def test_a_slot_with_memory_is_taken_before_one_without() -> None:
    slots = filled(4, 0, 1, 2)
    slots.vacate(2)
    assert slots.take(6) == 2


def test_more_experts_than_capacity_are_refused() -> None:
    slots = filled(2, 0, 1)
    assert not slots.has_room
    with pytest.raises(ValueError, match="2 of 2"):
        slots.take(2)


def test_an_expert_takes_only_one_slot() -> None:
    slots = filled(2, 0)
    with pytest.raises(ValueError, match="expert 0"):
        slots.take(0)


def test_reserved_slots_may_be_taken_after_capacity_has_shrunk() -> None:
    slots = filled(3, 0)
    slots.reserved, slots.capacity = 2, 1
    slots.take(1)
    assert slots.in_use == 2
    assert not slots.has_room


def test_a_pinned_expert_keeps_its_slot() -> None:
    slots = filled(2, 0)
    slots.pin(0)
    with pytest.raises(ValueError, match="pinned"):
        slots.vacate(0)


def test_pins_are_counted() -> None:
    slots = filled(2, 0)
    slots.pin(0)
    slots.pin(0)
    slots.unpin(0)
    assert slots.pinned(0)
    slots.unpin(0)
    assert not slots.pinned(0)


def test_only_ready_experts_may_be_evicted() -> None:
    slots = filled(4, 0, 1)
    slots.pin(1)
    slots.take(2)
    assert [expert for expert in range(4) if slots.evictable(expert)] == [0]


def test_a_pinned_load_is_pinned_when_it_has_arrived() -> None:
    slots = LayerSlots(4, 2)
    slots.take(0)
    slots.pin(0)
    assert slots.state(0) is SlotState.LOADING
    slots.arrived(0)
    assert slots.state(0) is SlotState.PINNED


def test_vacated_slots_keep_their_memory_up_to_the_capacity() -> None:
    slots = filled(3, 0, 1, 2)
    slots.vacate(1)
    assert slots.retire() is None


def test_memory_above_the_capacity_is_given_up_one_slot_at_a_time() -> None:
    slots = filled(3, 0, 1, 2)
    slots.vacate(0)
    slots.vacate(2)
    slots.capacity = 1
    assert {slots.retire(), slots.retire()} == {0, 2}
    assert slots.retire() is None


def test_occupied_slots_are_not_retired() -> None:
    slots = filled(3, 0, 1, 2)
    slots.capacity = 1
    assert slots.retire() is None
