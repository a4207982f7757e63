"""How busy others keep a machine."""

from pathlib import Path

import pytest

from offload.fit import disk_speed
from offload.fit.measuring import DiskPlace, RealMeasuring, Uses, others_share

IDLE = Uses(0.0, 100.0, 10.0)
GB = 10**9


@pytest.mark.parametrize(
    ("now", "share"),
    [
        (Uses(1.0, 100.0, 10.0), 0.0),
        (Uses(1.0, 102.0, 12.0), 0.0),
        (Uses(1.0, 102.0, 11.0), 0.5),
        (Uses(1.0, 102.0, 10.0), 1.0),
        (Uses(1.0, 100.0, 12.0), 0.0),
        (Uses(0.0, 102.0, 10.0), 0.0),
        (Uses(1.0, 100.0, 10.0, 4 * GB, 3 * GB), 0.25),
        (Uses(1.0, 102.0, 11.0, 4 * GB, 3 * GB), 0.5),
        (Uses(1.0, 100.0, 10.0, 1 << 20, 0), 0.0),
        (Uses(1.0, 100.0, 10.0, 4 * GB, 5 * GB), 0.0),
    ],
)
def test_the_share_of_others(now: Uses, share: float) -> None:
    assert others_share(IDLE, now, 2) == pytest.approx(share)


def test_on_this_machine_it_is_a_share() -> None:
    assert 0 <= RealMeasuring().others_share() <= 1


def test_the_disk_of_a_folder_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_speed, "SAMPLE_BYTES", 4 << 20)
    monkeypatch.setattr(disk_speed, "_BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(disk_speed, "_WINDOW_SECONDS", 0.001)
    speed = RealMeasuring().disk(DiskPlace(tmp_path), 2)
    assert speed.points[0].bytes_per_second.low > 0
    assert list(tmp_path.iterdir()) == []
