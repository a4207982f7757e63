"""Counts which experts each of many keys was routed to, in memory of a fixed size."""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import UNKNOWN

_LARGEST = 255
_KEY_BYTES = 160
"""Of the dictionary, for a key: its entry, its links, and two whole numbers (CPython 3.11)."""


class RouteCounts:
    """A row for each key: how often it was seen in each layer, and how often with each expert.

    When a layer of a row was seen 255 times its counts are halved, so what is old fades. When all rows are taken, the
    key used least recently gives up its own. Row 0 is nobody's: never seen. For one thread.
    """

    def __init__(self, n_layer: int, n_expert: int, *, max_bytes: int) -> None:
        """Make an empty table of at most `max_bytes`, but of one row at least."""
        self.n_rows = max(2, max_bytes // (n_layer * (n_expert + 1) + _KEY_BYTES))
        self._counts = np.zeros((self.n_rows, n_layer, n_expert), np.uint8)
        self._seen = np.zeros((self.n_rows, n_layer), np.uint8)
        self._rows: OrderedDict[int, int] = OrderedDict()

    @property
    def n_bytes(self) -> int:
        """Memory it takes once all rows are in use."""
        return self._counts.nbytes + self._seen.nbytes + self.n_rows * _KEY_BYTES

    def __len__(self) -> int:
        """Return how many keys have a row."""
        return len(self._rows)

    def row(self, key: int) -> int:
        """Return the row of `key`; 0 where it has none."""
        return self._rows.get(key, 0)

    def add(self, key: int, routes: NDArray[np.int32]) -> None:
        """Count `routes` [n_layer, n_expert_used] for `key`; what is `UNKNOWN` is left out."""
        row = self._take(key)
        counts, seen = self._counts[row], self._seen[row]
        recorded = routes != UNKNOWN
        known = recorded.any(axis=1)
        full = known & (seen == _LARGEST)
        counts[full] >>= 1
        seen[full] >>= 1
        seen[known] += 1
        layers, columns = np.nonzero(recorded)
        counts[layers, routes[layers, columns]] += 1

    def smooth(
        self,
        rows: NDArray[np.int64],
        base: NDArray[np.float32],
        strength: float,
        without: NDArray[np.int16] | None = None,
    ) -> NDArray[np.float32]:
        """Return for each row how likely each expert is: its counts, and `base` as if that had been seen too.

        Args:
            rows: [n].
            base: [n or 1, n_layer, n_expert], which counts like `strength` observations.
            strength: above 0.
            without: routes [n, n_layer, n_expert_used] that were counted in these rows and are to be left out.

        Returns:
            [n, n_layer, n_expert].
        """
        counts = self._counts[rows]
        seen = self._seen[rows].astype(np.float32)
        if without is not None:
            recorded = without != UNKNOWN
            of_row, layers, columns = np.nonzero(recorded)
            own = (of_row, layers, without[of_row, layers, columns])
            counts[own] -= counts[own] > 0
            seen -= recorded.any(axis=2) & (seen > 0)
        seen += np.float32(strength)
        likely = base * np.float32(strength) + counts
        likely /= seen[:, :, None]
        return likely

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what it knows, the key used least recently first."""
        rows = np.fromiter(self._rows.values(), np.int64, len(self._rows))
        keys = np.fromiter(self._rows, np.int64, len(self._rows))
        return {"keys": keys, "counts": self._counts[rows], "seen": self._seen[rows]}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Know what `arrays` say and nothing else; where they have more rows than this, the latest ones.

        Raises:
            ValueError: they are not those of such a table; the message is the end of a sentence.
        """
        keys, counts, seen = arrays["keys"], arrays["counts"], arrays["seen"]
        n = len(keys) if keys.ndim == 1 else 0
        for array, like in ((keys, np.empty((0,), np.int64)), (counts, self._counts), (seen, self._seen)):
            if array.dtype != like.dtype or array.shape != (n, *like.shape[1:]):
                raise ValueError(f"counts of routes do not have the shape of {n} rows of this model")
        listed: list[int] = keys.tolist()[-(self.n_rows - 1) :]
        if len(set(listed)) != len(listed):
            raise ValueError("counts of routes have a key twice")
        kept, used = slice(n - len(listed), n), slice(1, 1 + len(listed))
        self._rows = OrderedDict(zip(listed, range(1, 1 + len(listed)), strict=True))
        self._counts[used], self._seen[used] = counts[kept], seen[kept]

    def _take(self, key: int) -> int:
        row = self._rows.get(key)
        if row is not None:
            self._rows.move_to_end(key)
            return row
        row = len(self._rows) + 1 if len(self._rows) < self.n_rows - 1 else self._rows.popitem(last=False)[1]
        self._rows[key] = row
        self._counts[row] = 0
        self._seen[row] = 0
        return row
