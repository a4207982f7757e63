"""Disks with bad manners, as wrappers of the source that experts are read with.

All write rubbish into the target before anything else: who computes with it too early computes something else.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from offload.errors import ExpertReadError
from offload.experts.reader import Target
from offload.experts.span_source import SpanSource
from offload.experts.store import Span, WeightKind

Targets = Mapping[WeightKind, Target]

LONGEST_HOLD_SECONDS = 0.02
"""For how long a read is held back at most, where no other read comes to overtake it."""


def spoil(targets: Targets) -> None:
    """Fill the targets with bytes that are no weights."""
    for target in targets.values():
        target.payload[:] = b"\x7b" * target.n_bytes


class ReorderedSource:
    """Holds a read back until a later one has ended: with two readers, every other read is overtaken."""

    def __init__(self, source: SpanSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._held: threading.Event | None = None
        self.n_overtaken = 0

    def read_spans(self, spans: Sequence[Span], targets: Targets) -> int:
        spoil(targets)
        with self._lock:
            overtaken = self._held
            held = None if overtaken else threading.Event()
            self._held = held
        if held is not None:
            came = held.wait(LONGEST_HOLD_SECONDS)
            with self._lock:
                self.n_overtaken += came
                if self._held is held:
                    self._held = None
        try:
            return self._source.read_spans(spans, targets)
        finally:
            if overtaken is not None:
                overtaken.set()


class StumblingSource:
    """Fails the first `n_failures` times it is asked for a span, each of them."""

    def __init__(self, source: SpanSource, n_failures: int) -> None:
        self._source = source
        self._n_failures = n_failures
        self._lock = threading.Lock()
        self._tries: dict[Span, int] = {}
        self.n_failed = 0

    def read_spans(self, spans: Sequence[Span], targets: Targets) -> int:
        spoil(targets)
        with self._lock:
            tries = self._tries[spans[0]] = self._tries.get(spans[0], 0) + 1
            fails = tries <= self._n_failures
            self.n_failed += fails
        if fails:
            raise unreadable(spans[0])
        return self._source.read_spans(spans, targets)


class BreakableSource:
    """Fails where `broken` holds for a span, as long as it holds."""

    def __init__(self, source: SpanSource) -> None:
        self._source = source
        self.broken: Callable[[Span], bool] = lambda span: False

    def read_spans(self, spans: Sequence[Span], targets: Targets) -> int:
        spoil(targets)
        if any(self.broken(span) for span in spans):
            raise unreadable(spans[0])
        return self._source.read_spans(spans, targets)


class WrongByteSource:
    """Turns the first byte of every part of one kind into another: a check that this shows."""

    def __init__(self, source: SpanSource, kind: WeightKind) -> None:
        self._source = source
        self._kind = kind

    def read_spans(self, spans: Sequence[Span], targets: Targets) -> int:
        n_bytes = self._source.read_spans(spans, targets)
        for span in spans:
            if span.kind is self._kind:
                payload = targets[span.kind].payload
                payload[0] = payload[0] ^ 0x20
        return n_bytes


def unreadable(span: Span) -> ExpertReadError:
    """Return the error of a disk that does not answer."""
    return ExpertReadError(f"offset {span.offset}: no answer", file="disk", offset=span.offset)
