"""What was read ahead is accounted for by what became of it."""

from offload.experts.key import ExpertKey
from offload.experts.prefetch_ledger import PrefetchCounts, PrefetchLedger

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
