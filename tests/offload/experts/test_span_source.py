"""Trying a failed read again."""

from collections.abc import Mapping, Sequence

import pytest

from fakes.span_sources import unreadable
from fakes.tiny_experts import DOWN, GATE, TinyStore, layer_layout
from offload.errors import ExpertReadError
from offload.experts.key import ExpertKey
from offload.experts.reader import Target
from offload.experts.span_source import RETRIES, RetryingSource
from offload.experts.store import Span, WeightKind

SPANS = TinyStore(layer_layout(0, 1, {GATE: 8, DOWN: 8})).spans(ExpertKey(0, 0))


class FailingSource:
    """Raises `errors` one after the other, then succeeds with 16 bytes."""

    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)
        self.asked: list[tuple[Sequence[Span], Mapping[WeightKind, Target]]] = []

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> int:
        self.asked.append((spans, targets))
        if self._errors:
            raise self._errors.pop(0)
        return 16


def test_a_read_that_succeeds_is_made_once() -> None:
    source = FailingSource()
    assert RetryingSource(source).read_spans(SPANS, {}) == 16
    assert source.asked == [(SPANS, {})]


def test_a_failed_read_is_tried_again() -> None:
    source = FailingSource(*[unreadable(SPANS[0]) for _ in range(RETRIES)])
    assert RetryingSource(source).read_spans(SPANS, {}) == 16
    assert source.asked == [(SPANS, {})] * (RETRIES + 1)


def test_the_last_error_is_raised_when_every_try_failed() -> None:
    errors = [unreadable(SPANS[0]) for _ in range(RETRIES + 1)]
    source = FailingSource(*errors)
    with pytest.raises(ExpertReadError) as raised:
        RetryingSource(source).read_spans(SPANS, {})
    assert raised.value is errors[-1]
    assert len(source.asked) == RETRIES + 1


def test_other_errors_are_not_tried_again() -> None:
    source = FailingSource(ValueError("a bug"))
    with pytest.raises(ValueError, match="a bug"):
        RetryingSource(source).read_spans(SPANS, {})
    assert len(source.asked) == 1
