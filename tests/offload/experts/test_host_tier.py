"""What the host tier finds, who leaves for whom, and what it counts."""

from collections import deque
from collections.abc import Callable
from functools import partial

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fakes.byte_device import Block, Blocks
from fakes.expert_files import aligned_memory
from fakes.step_loader import StepCondition
from fakes.tiny_experts import DOWN, GATE, TinyStore, layer_layout
from offload.experts.host_regions import region_bytes
from offload.experts.host_tier import Claim, HostCounts, HostTier, target_in
from offload.experts.key import ExpertKey
from offload.experts.reader import in_place
from offload.experts.store import PAGE, Codec, Span

STORE = TinyStore(layer_layout(0, 6, {GATE: 100, DOWN: 5000}))
SMALL, LARGE = 2 * PAGE, 3 * PAGE
GATES = [STORE.spans(ExpertKey(0, expert))[0] for expert in range(6)]
DOWNS = [STORE.spans(ExpertKey(0, expert))[1] for expert in range(6)]


def tier_of(n_regions: int) -> HostTier:
    """Return a tier with so many regions of each size."""
    return HostTier(STORE.layers, n_regions * (SMALL + LARGE), spare=1, reserve=Block)


def bring(tier: HostTier, span: Span) -> None:
    """Have a part in the tier, used last."""
    claim, _ = tier.claim(span)
    assert claim in (Claim.THERE, Claim.RESERVED)
    if claim is Claim.RESERVED:
        tier.commit(span)
    tier.release(span)


def there(tier: HostTier) -> list[Span]:
    return [span for span in (*GATES, *DOWNS) if tier.holds(span)]


@given(st.integers(0, 1 << 40), st.integers(1, 5 * PAGE))
def test_a_direct_read_lands_in_place_wherever_the_part_lies(offset: int, n_bytes: int) -> None:
    region = memoryview(bytearray(region_bytes(n_bytes)))
    target = target_in(region, Span(0, offset, n_bytes, GATE, n_bytes, Codec.RAW))
    assert in_place(offset, target)
    assert target.n_bytes == n_bytes


def test_a_compressed_part_begins_at_a_page() -> None:
    assert target_in(aligned_memory(LARGE), Span(0, 123, 50, GATE, 5000, Codec.ZSTD)).start == 0


def test_regions_begin_at_pages_of_real_memory() -> None:
    with_memory = HostTier(STORE.layers, 1 << 20, spare=1)
    target = with_memory.claim(DOWNS[3]).target
    assert target is not None
    assert target.start == DOWNS[3].offset % PAGE
    target.payload[:] = b"\x05" * 5000
    with_memory.close()
    with_memory.close()


def test_a_reserved_part_is_found_once_it_is_committed() -> None:
    tier = tier_of(2)
    assert tier.lease(GATES[0]) is None
    claim, target = tier.claim(GATES[0])
    assert claim is Claim.RESERVED
    assert target is not None
    target.payload[:] = b"\x11" * 100
    assert not tier.holds(GATES[0])
    assert tier.lease(GATES[0]) is None
    tier.commit(GATES[0])
    found = tier.lease(GATES[0])
    assert found is not None
    assert bytes(found.payload) == b"\x11" * 100
    assert tier.claim(GATES[0]).claim is Claim.THERE


def test_a_part_that_another_fills_is_loading() -> None:
    tier = tier_of(2)
    tier.claim(GATES[0])
    assert tier.claim(GATES[0]) == (Claim.LOADING, None)


def test_a_reserved_part_that_is_given_back_uncommitted_is_dropped() -> None:
    tier = tier_of(1)
    tier.claim(GATES[0])
    tier.release(GATES[0])
    assert tier.lease(GATES[0]) is None
    assert tier.claim(GATES[1]).claim is Claim.RESERVED


@pytest.mark.parametrize(("end", "then"), [(HostTier.commit, Claim.THERE), (HostTier.release, Claim.RESERVED)])
def test_who_waits_goes_on_when_the_part_is_committed_or_dropped(
    end: Callable[[HostTier, Span], None], then: Claim
) -> None:
    tier = tier_of(2)
    steps: deque[Callable[[], object]] = deque([partial(tier.claim, GATES[1]), partial(end, tier, GATES[0])])

    def meanwhile() -> None:
        steps.popleft()()

    tier._changed = StepCondition(meanwhile)
    tier.claim(GATES[0])
    tier.wait(GATES[0])
    assert not steps
    assert tier.claim(GATES[0]).claim is then


def test_waiting_for_a_part_nobody_fills_ends_at_once() -> None:
    tier = tier_of(1)
    tier.wait(GATES[0])
    bring(tier, GATES[0])
    tier.wait(GATES[0])


def test_the_least_recently_used_leaves_first() -> None:
    tier = tier_of(3)
    for span in GATES[:3]:
        bring(tier, span)
    assert tier.lease(GATES[0]) is not None
    tier.release(GATES[0])
    bring(tier, GATES[3])
    bring(tier, GATES[4])
    assert there(tier) == [GATES[0], GATES[3], GATES[4]]


def test_asking_whether_a_part_is_there_is_no_use() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    bring(tier, GATES[1])
    assert tier.holds(GATES[0])
    bring(tier, GATES[2])
    assert there(tier) == [GATES[1], GATES[2]]
    assert (tier.counts().hits, tier.counts().misses) == (0, 0)


def test_a_copy_held_above_leaves_before_older_ones() -> None:
    tier = tier_of(3)
    for span in GATES[:3]:
        bring(tier, span)
    tier.promote(GATES[2])
    bring(tier, GATES[3])
    assert there(tier) == [GATES[0], GATES[1], GATES[3]]


def test_of_copies_held_above_the_least_recently_uploaded_leaves_first() -> None:
    tier = tier_of(3)
    for span in GATES[:3]:
        bring(tier, span)
    for index in (1, 0, 2):
        tier.promote(GATES[index])
    bring(tier, GATES[3])
    assert there(tier) == [GATES[0], GATES[2], GATES[3]]


def test_a_demoted_part_is_as_good_as_just_used() -> None:
    tier = tier_of(3)
    for span in GATES[:3]:
        bring(tier, span)
    tier.promote(GATES[0])
    tier.demote(GATES[0])
    bring(tier, GATES[3])
    assert there(tier) == [GATES[0], GATES[2], GATES[3]]


def test_a_part_in_two_slots_is_held_above_until_both_have_lost_it() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    bring(tier, GATES[1])
    tier.promote(GATES[1])
    tier.promote(GATES[1])
    tier.demote(GATES[1])
    assert tier.counts().n_parts_above == 1
    tier.demote(GATES[1])
    assert tier.counts().n_parts_above == 0


def test_a_part_that_no_slot_holds_cannot_be_demoted() -> None:
    tier = tier_of(1)
    tier.promote(GATES[0])
    tier.demote(GATES[0])
    with pytest.raises(KeyError):
        tier.demote(GATES[0])


def test_a_part_that_a_slot_holds_counts_as_held_above_when_it_comes_back() -> None:
    tier = tier_of(1)
    tier.promote(GATES[0])
    bring(tier, GATES[0])
    assert tier.counts().n_parts_above == 1


def test_what_is_pinned_has_others_leave_and_then_nobody() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    bring(tier, GATES[1])
    tier.lease(GATES[0])
    bring(tier, GATES[2])
    assert there(tier) == [GATES[0], GATES[2]]
    tier.lease(GATES[2])
    assert tier.claim(GATES[3]) == (Claim.NO_ROOM, None)
    tier.release(GATES[0])
    assert tier.claim(GATES[3]).claim is Claim.RESERVED
    assert there(tier) == [GATES[2]]


def test_a_part_pinned_twice_stays_until_it_is_given_back_twice() -> None:
    tier = tier_of(1)
    bring(tier, GATES[0])
    tier.lease(GATES[0])
    tier.lease(GATES[0])
    tier.release(GATES[0])
    assert tier.claim(GATES[1]).claim is Claim.NO_ROOM
    tier.release(GATES[0])
    assert tier.claim(GATES[1]).claim is Claim.RESERVED


def test_parts_leave_only_for_parts_of_their_size() -> None:
    tier = tier_of(1)
    bring(tier, GATES[0])
    bring(tier, DOWNS[0])
    bring(tier, DOWNS[1])
    assert there(tier) == [GATES[0], DOWNS[1]]


def test_a_part_that_leaves_the_slots_gets_a_free_region() -> None:
    tier = tier_of(1)
    target = tier.keep(GATES[0])
    assert target is not None
    tier.commit(GATES[0])
    tier.release(GATES[0])
    assert there(tier) == [GATES[0]]


def test_a_part_that_leaves_the_slots_takes_the_region_of_a_copy_held_above() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    bring(tier, GATES[1])
    tier.promote(GATES[1])
    assert tier.keep(GATES[2]) is not None
    assert there(tier) == [GATES[0]]


def test_nothing_that_is_only_here_leaves_for_a_part_that_leaves_the_slots() -> None:
    tier = tier_of(1)
    bring(tier, GATES[0])
    assert tier.keep(GATES[1]) is None
    assert there(tier) == [GATES[0]]


def test_a_part_is_not_kept_that_is_there_or_on_its_way_or_in_a_slot_still() -> None:
    tier = tier_of(3)
    bring(tier, GATES[0])
    tier.claim(GATES[1])
    tier.promote(GATES[2])
    assert [tier.keep(span) for span in GATES[:3]] == [None, None, None]


@pytest.mark.parametrize("capacity_bytes", [0, SMALL + LARGE - 1])
def test_without_room_for_a_part_of_each_size_nothing_is_held(capacity_bytes: int) -> None:
    tier = HostTier(STORE.layers, capacity_bytes, spare=1)
    assert tier.capacity_bytes == 0
    for span in (GATES[0], DOWNS[0]):
        assert tier.claim(span) == (Claim.NO_ROOM, None)
        assert tier.keep(span) is None
    tier.promote(GATES[0])
    tier.demote(GATES[0])
    tier.close()


def test_shrinking_gives_memory_back_and_growing_makes_room_again() -> None:
    blocks = Blocks()
    tier = HostTier(STORE.layers, 3 * (SMALL + LARGE), spare=1, reserve=blocks.reserve)
    for span in GATES[:3]:
        bring(tier, span)
    tier.resize(SMALL + LARGE)
    assert there(tier) == [GATES[2]]
    assert [n_bytes for _, n_bytes in blocks[0].released] == [SMALL, SMALL]
    tier.resize(1 << 30)
    assert tier.capacity_bytes == 3 * (SMALL + LARGE)
    for span in GATES[:2]:
        bring(tier, span)
    assert there(tier) == GATES[:3]


def test_what_is_pinned_leaves_a_smaller_tier_when_it_is_given_back() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    tier.lease(GATES[0])
    tier.resize(0)
    assert there(tier) == [GATES[0]]
    tier.release(GATES[0])
    assert there(tier) == []


def test_a_read_that_fails_gives_its_memory_back() -> None:
    blocks = Blocks()
    tier = HostTier(STORE.layers, SMALL + LARGE, spare=1, reserve=blocks.reserve)
    tier.claim(GATES[0])
    tier.release(GATES[0])
    assert [n_bytes for _, n_bytes in blocks[0].released] == [SMALL]


def test_it_counts_what_it_does_and_holds() -> None:
    tier = tier_of(2)
    tier.lease(GATES[0])
    for span in (GATES[0], GATES[1], GATES[2], DOWNS[0]):
        bring(tier, span)
    tier.lease(GATES[1])
    tier.lease(DOWNS[0])
    tier.promote(DOWNS[0])
    assert tier.counts() == HostCounts(
        hits=2, misses=1, evictions=1, n_parts=3, n_bytes=5200, n_parts_above=1, n_bytes_above=5000
    )


def test_a_part_on_its_way_is_not_counted_as_held() -> None:
    tier = tier_of(1)
    tier.claim(GATES[0])
    assert tier.counts().n_parts == 0


def test_closing_gives_the_memory_back() -> None:
    blocks = Blocks()
    HostTier(STORE.layers, 1 << 20, spare=1, reserve=blocks.reserve).close()
    assert blocks[0].closed


def bring_in_passing(tier: HostTier, span: Span) -> None:
    claim, _ = tier.claim(span, passing=True)
    assert claim is Claim.RESERVED
    tier.commit(span, passing=True)
    tier.release(span)


def test_what_is_read_in_passing_is_the_next_to_leave() -> None:
    tier = tier_of(3)
    for span in GATES[:2]:
        bring(tier, span)
    for span in GATES[2:]:
        bring_in_passing(tier, span)
    assert there(tier) == [GATES[0], GATES[1], GATES[5]]


def test_a_use_in_passing_is_none() -> None:
    tier = tier_of(2)
    for span in GATES[:2]:
        bring(tier, span)
    assert tier.lease(GATES[0], passing=True) is not None
    assert tier.claim(GATES[0], passing=True).claim is Claim.THERE
    for _ in range(2):
        tier.release(GATES[0])
    bring(tier, GATES[2])
    assert there(tier) == [GATES[1], GATES[2]]


def test_what_was_read_in_passing_stays_once_it_is_wanted_again() -> None:
    tier = tier_of(2)
    bring(tier, GATES[0])
    bring_in_passing(tier, GATES[1])
    assert tier.lease(GATES[1]) is not None
    tier.release(GATES[1])
    bring(tier, GATES[2])
    assert there(tier) == [GATES[1], GATES[2]]
