"""`Estimate`: a number that is not known exactly, as a middle value and a range."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """`low <= middle <= high`, all finite."""

    low: float
    middle: float
    high: float

    def __post_init__(self) -> None:
        if not -math.inf < self.low <= self.middle <= self.high < math.inf:
            raise ValueError(f"{self.low}, {self.middle}, {self.high} are no range around a middle")

    @classmethod
    def exact(cls, value: float) -> "Estimate":
        """Return a range of no width."""
        return cls(value, value, value)

    def toward(self, other: "Estimate", part: float) -> "Estimate":
        """Return what lies `part` (0 to 1) of the way to `other`."""
        low, middle, high = (
            one + part * (another - one)
            for one, another in ((self.low, other.low), (self.middle, other.middle), (self.high, other.high))
        )
        return Estimate(low, max(low, middle), max(low, middle, high))  # rounding may turn equal ones about

    def map(self, change: Callable[[float], float]) -> "Estimate":
        """Return the range with each of its numbers changed by `change`, which must not fall."""
        return Estimate(change(self.low), change(self.middle), change(self.high))


def of_samples(samples: Sequence[float]) -> Estimate:
    """Return the median of `samples`, at least one, between the ends of their middle eight tenths."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    low, middle, high = (ordered[round(share * last)] for share in (0.1, 0.5, 0.9))
    return Estimate(low, middle, high)
