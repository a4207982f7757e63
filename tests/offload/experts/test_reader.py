"""How targets are widened to what a read must ask for."""

import pytest

from fakes.expert_files import aligned_memory
from offload.experts.reader import Target, aligned_windows, exact_windows, in_place


def test_aligned_windows_cover_the_pages_around_a_payload() -> None:
    position, windows, due = aligned_windows(4096 + 100, [Target(aligned_memory(16384), 100, 5000)])
    assert (position, [len(window) for window in windows], due) == (4096, [8192], 5100)


def test_aligned_windows_start_at_the_page_of_the_payload() -> None:
    target = Target(aligned_memory(16384), 4096 + 100, 50)
    target.payload[:] = b"x" * 50
    _, windows, _ = aligned_windows(100, [target])
    assert bytes(windows[0][100:150]) == b"x" * 50


def test_only_the_last_of_several_payloads_may_end_early() -> None:
    targets = [Target(aligned_memory(8192), 0, 5000), Target(aligned_memory(4096), 0, 10)]
    position, windows, due = aligned_windows(4096, targets)
    assert (position, [len(window) for window in windows], due) == (4096, [8192, 4096], 8202)


def test_exact_windows_of_one_target_are_its_payload() -> None:
    target = Target(aligned_memory(4096), 10, 20)
    position, windows, due = exact_windows(4097, [target])
    assert (position, [len(window) for window in windows], due) == (4097, [20], 20)


@pytest.mark.parametrize(
    ("offset", "start", "n_bytes", "fits"),
    [(100, 100, 3996, True), (100, 100, 3997, False), (100, 0, 10, False), (4196, 100, 10, True), (0, 0, 4096, True)],
)
def test_read_lands_in_place_with_equal_phase_and_room(offset: int, start: int, n_bytes: int, fits: bool) -> None:
    assert in_place(offset, Target(aligned_memory(4096), start, n_bytes)) is fits


def test_several_targets_off_the_page_are_refused() -> None:
    targets = [Target(aligned_memory(4096), 7, 10), Target(aligned_memory(4096), 0, 10)]
    with pytest.raises(ValueError, match="in place"):
        aligned_windows(7, targets)
