"""`DiskSpeed`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.fit.estimate import Estimate
from offload.fit.machine_speed import DiskPoint, DiskSpeed

SMALL, LARGE = DiskPoint(1 << 18, Estimate(1e8, 2e8, 3e8)), DiskPoint(1 << 22, Estimate(1e9, 2e9, 3e9))
DISK = DiskSpeed((SMALL, LARGE))


@pytest.mark.parametrize("point", [SMALL, LARGE])
def test_a_measured_size_has_the_measured_speed(point: DiskPoint) -> None:
    assert DISK.at(point.request_bytes).middle == pytest.approx(point.bytes_per_second.middle)


@given(st.integers(1, 1 << 30))
def test_every_size_has_a_speed_between_those_measured(request_bytes: int) -> None:
    assert 2e8 <= DISK.at(request_bytes).middle <= 2e9


@given(st.integers(1, 1 << 24), st.integers(1, 1 << 24))
def test_where_larger_reads_are_faster_they_are_so_in_between(one: int, other: int) -> None:
    assert DISK.at(min(one, other)).middle <= DISK.at(max(one, other)).middle


@pytest.mark.parametrize("points", [(), (LARGE, SMALL), (SMALL, SMALL), (DiskPoint(1, Estimate.exact(0.0)),)])
def test_no_speed_and_disorder_are_refused(points: tuple[DiskPoint, ...]) -> None:
    with pytest.raises(ValueError, match="points"):
        DiskSpeed(points)
