"""A download in words."""

from dataclasses import replace
from typing import Any

import pytest

from fakes.scripted_models import GIB
from offload.protocol import PullPhase
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download, DownloadState
from offload_app.library.readings.download_words import read_download, short_state, status_words, time_left

ENGLISH = Language()
RUNNING = Download("u/r:Q4_K_M", "/m", "A model", DownloadState.RUNNING, GIB, 4 * GIB, PullPhase.DOWNLOADING, 16 << 20)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "1.0 of 4.0 GB · 16 MB/s · 3 min left"),
        ({"bytes_per_second": None}, "1.0 of 4.0 GB"),
        ({"phase": PullPhase.LOOKING}, "Asking the hub…"),
        ({"phase": PullPhase.CHECKING}, "Comparing what has come with the hub's checksum · 1.0 of 4.0 GB"),
        ({"phase": PullPhase.WAITING}, "1.0 of 4.0 GB · the hub does not answer: it is tried again by itself"),
        ({"state": DownloadState.WAITING}, "Waiting for its turn"),
        ({"state": DownloadState.PAUSING}, "Pausing…"),
        ({"state": DownloadState.PAUSED}, "Paused · 1.0 of 4.0 GB"),
        ({"state": DownloadState.PAUSED, "total_bytes": 0, "done_bytes": 0}, "Paused"),
        ({"state": DownloadState.FAILED, "done_bytes": 0}, "Stopped by an error"),
        ({"done_bytes": 0, "bytes_per_second": None}, "0.0 of 4.0 GB"),
        (
            {"state": DownloadState.PAUSED, "was_interrupted": True},
            "Paused: offload was closed in the middle of it · 1.0 of 4.0 GB",
        ),
        ({"state": DownloadState.FAILED}, "Stopped by an error · 1.0 of 4.0 GB"),
        ({"state": DownloadState.DISCARDING}, "What has come is being deleted…"),
        ({"state": DownloadState.DONE}, "Here: it can be loaded"),
    ],
)
def test_every_state_has_its_words(fields: dict[str, Any], text: str) -> None:
    assert read_download(replace(RUNNING, **fields), ENGLISH).text == text


@pytest.mark.parametrize(
    ("rate", "words"),
    [(3 * GIB, "1 s left"), (GIB / 10, "30 s left"), (GIB / 100, "5 min left"), (GIB / 2000, "1 h 40 min left")],
)
def test_the_time_left_is_told_as_roughly_as_it_is_known(rate: float, words: str) -> None:
    assert time_left(replace(RUNNING, bytes_per_second=rate), ENGLISH) == words


def test_where_nothing_comes_no_time_is_told() -> None:
    for rate in (None, 0.0):
        assert time_left(replace(RUNNING, bytes_per_second=rate), ENGLISH) == ""


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (DownloadState.RUNNING, (True, False, True)),
        (DownloadState.WAITING, (True, False, True)),
        (DownloadState.PAUSING, (False, False, True)),
        (DownloadState.PAUSED, (False, True, True)),
        (DownloadState.FAILED, (False, True, True)),
        (DownloadState.DISCARDING, (False, False, False)),
        (DownloadState.DONE, (False, False, True)),
    ],
)
def test_what_can_be_done_follows_the_state(state: DownloadState, buttons: tuple[bool, ...]) -> None:
    row = read_download(replace(RUNNING, state=state), ENGLISH)
    assert (row.can_pause, row.can_resume, row.can_remove) == buttons


def test_an_error_is_shown_in_the_worker_s_words() -> None:
    report = ErrorReport("DiskFullError", "The disk is full.", "Make room.")
    row = read_download(replace(RUNNING, state=DownloadState.FAILED, refusal=report), ENGLISH)
    assert (row.trouble, row.is_retry) == ("The disk is full. Make room.", True)


def test_the_bar_is_as_long_as_what_has_come() -> None:
    assert read_download(RUNNING, ENGLISH).fraction == 0.25
    assert read_download(replace(RUNNING, total_bytes=0), ENGLISH).fraction is None


def test_the_status_line_tells_of_what_is_under_way_alone() -> None:
    waiting = replace(RUNNING, name="u/b", state=DownloadState.WAITING)
    paused = replace(RUNNING, name="u/c", state=DownloadState.PAUSED)
    assert status_words((), ENGLISH) == ""
    assert status_words((paused,), ENGLISH) == ""
    assert status_words((paused, RUNNING), ENGLISH) == "downloading 25 %"
    assert status_words((waiting, RUNNING, waiting), ENGLISH) == "downloading 25 %, 2 more wait"


def test_nearly_all_is_not_said_to_be_all() -> None:
    assert short_state(replace(RUNNING, done_bytes=4 * GIB - 1), ENGLISH) == "downloading 99 %"
