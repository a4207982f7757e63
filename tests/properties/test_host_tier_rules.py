"""The host tier's numbered rules, under any order of claims, pins, slots gained and lost, and changing capacities.

Each rule has a test of its own, which judges that rule alone: one that fails names the rule that is broken.
"""

from collections.abc import Sequence

import hypothesis.strategies as st
from hypothesis import Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fakes.host_tier_world import CLASSES, SPANS, WHOLE_BYTES, HostTierWorld
from offload.experts.store import Span

SPAN = st.sampled_from(SPANS)
SEVERAL = st.lists(SPAN, min_size=1, max_size=6)
CAPACITY = st.one_of(
    st.integers(1, 4).map(lambda n_of_each: n_of_each * sum(of.region_bytes for of in CLASSES)),
    st.integers(0, WHOLE_BYTES),
)


class HostTierUse(RuleBasedStateMachine):
    """What readers, slots and the system may do."""

    watched: Sequence[int] = ()
    world: HostTierWorld

    @initialize(capacity_bytes=CAPACITY, spans=SEVERAL, above=SEVERAL)
    def begin(self, capacity_bytes: int, spans: list[Span], above: list[Span]) -> None:
        self.world = HostTierWorld(capacity_bytes, self.watched)
        self.bring(spans)
        for span in above:
            self.world.promote(span)

    @rule(span=SPAN, passing=st.booleans())
    def want(self, span: Span, passing: bool) -> None:
        self.world.lease(span, passing=passing)

    @precondition(lambda self: self.world.parts)
    @rule(data=st.data(), passing=st.booleans())
    def want_what_is_there_or_on_its_way(self, data: st.DataObject, passing: bool) -> None:
        self.world.lease(data.draw(st.sampled_from(list(self.world.parts))), passing=passing)

    @rule(span=SPAN, filled=st.booleans(), passing=st.booleans())
    def claim(self, span: Span, filled: bool, passing: bool) -> None:
        self.world.claim(span, passing=passing)
        if filled and span in self.world.reserved:
            self.world.commit(span, passing=passing)

    @rule(spans=SEVERAL, passing=st.booleans())
    def bring(self, spans: list[Span], passing: bool = False) -> None:
        """Have parts read, one after the other, as far as there is room."""
        for span in spans:
            if span not in self.world.parts:
                self.world.claim(span, passing=passing)
                if span in self.world.parts:
                    self.world.commit(span, passing=passing)
                    self.world.release(span)

    @rule(span=SPAN)
    def keep(self, span: Span) -> None:
        self.world.keep(span)

    @precondition(lambda self: self.world.reserved)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        self.world.commit(data.draw(st.sampled_from(self.world.reserved)))

    @precondition(lambda self: self.world.pinned)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.world.release(data.draw(st.sampled_from(self.world.pinned)))

    @rule(span=SPAN)
    def promote(self, span: Span) -> None:
        self.world.promote(span)

    @precondition(lambda self: self.world.above)
    @rule(data=st.data())
    def demote(self, data: st.DataObject) -> None:
        self.world.demote(data.draw(st.sampled_from(sorted(self.world.above, key=SPANS.index))))

    @precondition(lambda self: self.world.above)
    @rule(data=st.data(), span=SPAN)
    def overwrite_a_slot(self, data: st.DataObject, span: Span) -> None:
        """Have a slot lose its part, which is kept if it can be, and get another."""
        lost = data.draw(st.sampled_from(sorted(self.world.above, key=SPANS.index)))
        self.world.demote(lost)
        if lost not in self.world.parts:
            self.world.keep(lost)
            if lost in self.world.reserved:
                self.world.commit(lost)
                self.world.release(lost)
        self.bring([span])
        self.world.promote(span)

    @rule(capacity_bytes=CAPACITY)
    def resize(self, capacity_bytes: int) -> None:
        self.world.resize(capacity_bytes)

    @invariant()
    def the_rules_hold(self) -> None:
        self.world.judge()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.end()


SETTINGS = settings(max_examples=150, stateful_step_count=40, phases=(Phase.generate, Phase.shrink))


def judge_rule(number: int) -> None:
    machine = type(f"Rule{number}", (HostTierUse,), {"watched": (number,)})
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_what_is_pinned_stays() -> None:
    judge_rule(1)


def test_what_is_found_is_whole() -> None:
    judge_rule(2)


def test_capacity_is_never_exceeded() -> None:
    judge_rule(3)


def test_copies_held_above_leave_first() -> None:
    judge_rule(4)


def test_no_region_is_lost() -> None:
    judge_rule(5)
