"""Figures known of other models, to stand beside a report's own."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownFigure:
    """A share, or a difference of shares, that was measured elsewhere: from `low` to `high`."""

    what: str
    model: str
    low: float
    high: float
    unit: str = "%"


_FIRST_LOOK = "barely trained, 8 layers of 4 of 32 experts"

KNOWN_FIGURES = (
    KnownFigure("recall of the previous token's path", "Qwen3-30B", 0.43, 0.45),
    KnownFigure("recall of the previous token's path", _FIRST_LOOK, 0.17, 0.17),
    KnownFigure("recall of a table by token id", _FIRST_LOOK, 0.65, 0.68),
    KnownFigure("recall of the next layer's gate, one layer ahead", "Qwen3-30B", 0.886, 0.886),
    KnownFigure("recall of the next layer's gate, one layer ahead", "Qwen3.6-35B", 0.807, 0.807),
    KnownFigure("hit rate of Belady above that of LRU", "several", 0.08, 0.23, "points"),
)
