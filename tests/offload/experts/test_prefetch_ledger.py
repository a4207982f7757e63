"""What was read ahead is accounted for by what became of it."""

from offload.experts.key import ExpertKey
from offload.experts.prefetch_ledger import PrefetchCounts, PrefetchLedger
from offload.stats import ResidentState

KEY = ExpertKey(3, 5)


def test_an_expert_that_is_there_when_demanded_was_useful_once() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.demanded(3, [4, 5])
    ledger.demanded(3, [5])
    assert ledger.counts() == PrefetchCounts(useful_bytes=10)


def test_an_expert_that_is_still_on_its_way_was_late() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.overtaken(KEY)
    ledger.evicted(KEY)
    assert ledger.counts() == PrefetchCounts(late_bytes=10)


def test_an_expert_that_leaves_unused_was_wasted() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.evicted(KEY)
    assert ledger.counts() == PrefetchCounts(wasted_bytes=10)


def test_an_expert_that_was_never_read_counts_nowhere() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.dropped(KEY)
    ledger.demanded(3, [5])
    assert ledger.counts() == PrefetchCounts()


def test_an_expert_that_was_not_read_ahead_counts_nowhere() -> None:
    ledger = PrefetchLedger()
    ledger.demanded(3, [5])
    ledger.evicted(KEY)
    assert ledger.counts() == PrefetchCounts()


def state(ledger: PrefetchLedger, before: ResidentState = ResidentState.READY) -> ResidentState:
    """Return what the ledger makes of the state of `KEY`."""
    return ResidentState(ledger.marked(3, bytes([0, 0, 0, 0, 2, before]))[5])


def test_an_expert_read_ahead_is_marked_neither_way_before_its_token() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    assert state(ledger) is ResidentState.READY


def test_an_expert_that_its_token_wanted_is_marked_until_it_leaves() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.demanded(3, [4, 5])
    assert state(ledger) is ResidentState.FORECAST_RIGHT
    assert ledger.marked(3, bytes([0, 0, 0, 0, 2, 2]))[4] == ResidentState.READY
    ledger.evicted(KEY)
    assert state(ledger) is ResidentState.READY


def test_an_expert_that_its_token_did_not_want_is_marked_until_it_is_demanded() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.refuted(KEY)
    assert state(ledger) is ResidentState.FORECAST_WRONG
    ledger.demanded(3, [5])
    assert state(ledger) is ResidentState.READY


def test_an_expert_read_again_after_a_wrong_forecast_begins_unmarked() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.refuted(KEY)
    ledger.evicted(KEY)
    assert state(ledger) is ResidentState.READY


def test_an_expert_that_came_late_or_never_is_not_marked() -> None:
    ledger = PrefetchLedger()
    for end in (ledger.overtaken, ledger.dropped):
        ledger.begun(KEY, 10)
        ledger.refuted(KEY)
        end(KEY)
        assert state(ledger) is ResidentState.READY


def test_what_was_not_read_ahead_cannot_be_refuted() -> None:
    ledger = PrefetchLedger()
    ledger.refuted(KEY)
    assert state(ledger) is ResidentState.READY


def test_only_what_is_ready_is_marked() -> None:
    ledger = PrefetchLedger()
    ledger.begun(KEY, 10)
    ledger.refuted(KEY)
    assert state(ledger, ResidentState.LOADING) is ResidentState.LOADING
    ledger.demanded(3, [5])
    assert state(ledger, ResidentState.PINNED) is ResidentState.PINNED
