"""What --vram comes to: a size, a share, or what is free with a margin."""

import pytest

from offload.device_budget import check_vram, device_budget
from offload.errors import UsageError

MIB, GIB = 1 << 20, 1 << 30


def budget(vram: str | int, free_bytes: int = 20 * GIB, process_bytes: int | None = None) -> int:
    return device_budget(vram, total_bytes=24 * GIB, free_bytes=free_bytes, process_bytes=process_bytes)


@pytest.mark.parametrize(
    ("vram", "n_bytes"), [("6G", 6 * GIB), ("512M", 512 * MIB), (7, 7), ("50%", 12 * GIB), (" 100% ", 24 * GIB)]
)
def test_a_size_or_a_share_of_all_of_it(vram: str | int, n_bytes: int) -> None:
    assert budget(vram) == n_bytes


@pytest.mark.parametrize(
    ("free_bytes", "n_bytes"),
    [(20 * GIB, 18 * GIB), (4 * GIB, 4 * GIB - 512 * MIB), (512 * MIB, 0), (0, 0)],
)
def test_auto_leaves_a_margin_of_what_is_free(free_bytes: int, n_bytes: int) -> None:
    assert budget("auto", free_bytes) == n_bytes


def test_auto_takes_at_most_half_of_a_memory_that_is_the_process_s_too() -> None:
    assert budget("auto", process_bytes=6 * GIB) == 3 * GIB
    assert budget(" Auto ", free_bytes=2 * GIB, process_bytes=6 * GIB) == 2 * GIB - 512 * MIB
    assert budget("4G", process_bytes=6 * GIB) == 4 * GIB


@pytest.mark.parametrize("vram", ["much", "0%", "101%", "-1G", "", "6 apples", -1])
def test_what_is_no_size_is_refused_with_a_device_and_without(vram: str | int) -> None:
    with pytest.raises(UsageError):
        budget(vram)
    with pytest.raises(UsageError):
        check_vram(vram)


@pytest.mark.parametrize("vram", ["auto", "80%", "6G", 0])
def test_what_is_a_size_on_some_device_passes(vram: str | int) -> None:
    check_vram(vram)


@pytest.mark.parametrize("vram", ["25G", 25 * GIB])
def test_what_the_device_has_not_is_refused(vram: str | int) -> None:
    with pytest.raises(UsageError, match=r"makes no sense: the device has 24\.0 GiB"):
        budget(vram)


@pytest.mark.parametrize("vram", ["auto", "80%"])
def test_a_device_that_tells_no_memory_needs_a_size(vram: str) -> None:
    with pytest.raises(UsageError, match=r"does not tell.*--vram 6G"):
        device_budget(vram, total_bytes=0, free_bytes=0)
    assert device_budget("6G", total_bytes=0, free_bytes=0) == 6 * GIB
