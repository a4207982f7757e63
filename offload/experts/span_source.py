"""`SpanSource`: what the pager and staging read with, and the one that tries again."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from offload.errors import ExpertReadError
from offload.experts.reader import Target
from offload.experts.store import Span, WeightKind

RETRIES = 2
"""How often a failed read is tried again before the expert counts as unreadable."""


T_contra = TypeVar("T_contra", contravariant=True)


class PartSource(Protocol[T_contra]):
    """Brings parts of experts to targets of some sort. Any number of threads may read at once."""

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, T_contra]) -> int:
        """Read `spans` of one expert into `targets`; return the bytes read from disk. Raises ExpertReadError."""


class SpanSource(PartSource[Target], Protocol):
    """Reads spans of experts into this process's memory; `span_reader.SpanReader` is one."""


class RetryingSource:
    """Reads through another source, trying a failed read again `RETRIES` times: disks and cables have bad moments."""

    def __init__(self, source: SpanSource) -> None:
        self._source = source

    def read_spans(self, spans: Sequence[Span], targets: Mapping[WeightKind, Target]) -> int:
        """Read `spans` into `targets`; return the bytes read. Raises ExpertReadError when the last try failed."""
        for _ in range(RETRIES):
            try:
                return self._source.read_spans(spans, targets)
            except ExpertReadError:
                continue
        return self._source.read_spans(spans, targets)
