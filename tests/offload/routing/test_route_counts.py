"""`RouteCounts`."""

import numpy as np
import pytest

from offload.routing.route_counts import RouteCounts

BASE = np.full((1, 2, 4), 0.5, np.float32)
ROOMY = 1 << 20


def routes(*layers: tuple[int, int]) -> np.ndarray:
    return np.array(layers, np.int32)


def likely(counts: RouteCounts, key: int, *, without: np.ndarray | None = None) -> np.ndarray:
    rows = np.array([counts.row(key)])
    shares: np.ndarray = counts.smooth(rows, BASE, 1.0, None if without is None else without[None].astype(np.int16))[0]
    return shares


def two_rows() -> RouteCounts:
    n_bytes = RouteCounts(2, 4, max_bytes=ROOMY).n_bytes // RouteCounts(2, 4, max_bytes=ROOMY).n_rows
    counts = RouteCounts(2, 4, max_bytes=3 * n_bytes)
    assert counts.n_rows == 3
    return counts


def test_a_key_without_a_row_is_as_likely_as_the_base() -> None:
    assert likely(RouteCounts(2, 4, max_bytes=ROOMY), 7).tolist() == BASE[0].tolist()


def test_what_was_counted_outweighs_the_base_the_more_it_was_seen() -> None:
    counts = RouteCounts(2, 4, max_bytes=ROOMY)
    for _ in range(3):
        counts.add(7, routes((0, 1), (2, 3)))
    assert likely(counts, 7)[0].tolist() == [3.5 / 4, 3.5 / 4, 0.5 / 4, 0.5 / 4]
    assert likely(counts, 7)[1].tolist() == [0.5 / 4, 0.5 / 4, 3.5 / 4, 3.5 / 4]


def test_unknown_routes_are_not_counted() -> None:
    counts = RouteCounts(2, 4, max_bytes=ROOMY)
    counts.add(7, routes((0, -1), (-1, -1)))
    assert likely(counts, 7)[0].tolist() == [0.75, 0.25, 0.25, 0.25]
    assert likely(counts, 7)[1].tolist() == BASE[0, 1].tolist()


def test_leaving_a_token_out_is_as_if_it_had_not_been_counted() -> None:
    counts = RouteCounts(2, 4, max_bytes=ROOMY)
    counts.add(7, routes((0, 1), (2, 3)))
    before = likely(counts, 7)
    counts.add(7, routes((0, 2), (-1, -1)))
    assert likely(counts, 7, without=routes((0, 2), (-1, -1))).tolist() == before.tolist()


def test_leaving_out_changes_no_count() -> None:
    counts = RouteCounts(2, 4, max_bytes=ROOMY)
    counts.add(7, routes((0, 1), (2, 3)))
    before = likely(counts, 7)
    likely(counts, 7, without=routes((0, 1), (2, 3)))
    assert likely(counts, 7).tolist() == before.tolist()


def test_leaving_out_what_was_never_counted_does_no_harm() -> None:
    shares = likely(RouteCounts(2, 4, max_bytes=ROOMY), 7, without=routes((0, 1), (2, 3)))
    assert shares.tolist() == BASE[0].tolist()


def test_what_is_old_fades() -> None:
    counts = RouteCounts(2, 4, max_bytes=ROOMY)
    for _ in range(1000):
        counts.add(7, routes((0, 1), (0, 1)))
    assert likely(counts, 7)[0, 0] > 0.99
    for _ in range(400):
        counts.add(7, routes((2, 3), (2, 3)))
    assert likely(counts, 7)[0, 2] > 2 * likely(counts, 7)[0, 0]


def test_the_key_used_least_recently_gives_up_its_row() -> None:
    counts = two_rows()
    for key in (1, 2, 1, 3):
        counts.add(key, routes((0, 1), (2, 3)))
    assert (len(counts), counts.row(2)) == (2, 0)
    assert likely(counts, 3)[0, 0] == likely(counts, 2)[0, 0] / 2 + 0.5


def test_it_takes_no_more_memory_than_it_may() -> None:
    assert RouteCounts(48, 128, max_bytes=ROOMY).n_bytes <= ROOMY


def test_it_is_restored_with_the_order_of_its_keys() -> None:
    counts, other = two_rows(), two_rows()
    for key in (1, 2, 1):
        counts.add(key, routes((0, key), (2, 3)))
    other.restore(counts.arrays())
    assert likely(other, 1).tolist() == likely(counts, 1).tolist()
    other.add(3, routes((0, 1), (2, 3)))
    assert (other.row(2), other.row(1) > 0) == (0, True)


def test_a_smaller_table_keeps_the_latest_keys() -> None:
    counts, small = RouteCounts(2, 4, max_bytes=ROOMY), two_rows()
    for key in range(9):
        counts.add(key, routes((0, 1), (2, 3)))
    small.restore(counts.arrays())
    assert [small.row(key) > 0 for key in range(9)] == [False] * 7 + [True] * 2


@pytest.mark.parametrize("name", ["keys", "counts", "seen"])
def test_arrays_of_another_shape_are_refused(name: str) -> None:
    counts = two_rows()
    counts.add(1, routes((0, 1), (2, 3)))
    arrays = counts.arrays()
    for wrong in (arrays[name][:0], arrays[name].astype(np.float32), arrays[name][..., None]):
        with pytest.raises(ValueError, match="do not have the shape"):
            two_rows().restore({**arrays, name: wrong})


def test_a_key_that_stands_twice_is_refused() -> None:
    counts = two_rows()
    for key in (1, 2):
        counts.add(key, routes((0, 1), (2, 3)))
    with pytest.raises(ValueError, match="twice"):
        two_rows().restore({**counts.arrays(), "keys": np.array([1, 1], np.int64)})
