"""Reports of a worker in the words of the window."""

from collections.abc import Callable

import pytest

from offload.device_budget import check_vram, device_budget
from offload.errors import OffloadError
from offload.memory_needs import Needs
from offload.memory_plan import make_plan
from offload.protocol_errors import ErrorReport, report_of
from offload_app.report_words import report_words

NEEDS = Needs(
    runtime_bytes=10 << 20,
    dense_bytes=1 << 20,
    kv_bytes=1 << 20,
    compute_bytes=1 << 20,
    reading_bytes=0,
    n_ctx=2048,
    n_ubatch=512,
    n_expert_used=0,
    layers={},
)


@pytest.mark.parametrize(
    ("fail", "advice"),
    [
        (lambda: make_plan(NEEDS, 1 << 20, "none"), "Raise the memory budget, or lower the context."),
        (
            lambda: device_budget("9G", total_bytes=8 << 30, free_bytes=8 << 30),
            "Lower the GPU memory budget, or leave it out.",
        ),
        (lambda: check_vram(-1), "Give a size, such as 6G."),
    ],
)
def test_what_the_engine_advises_names_no_options(fail: Callable[[], object], advice: str) -> None:
    with pytest.raises(OffloadError) as raised:
        fail()
    words = report_words(report_of(raised.value))
    assert words == f"{raised.value.message} {advice}"


def test_a_folder_is_chosen_in_the_preferences() -> None:
    report = ErrorReport("DiskFullError", "The disk is full.", "Make room, or choose another disk with --models-dir.")
    assert report_words(report) == "The disk is full. Make room, or choose another disk in the preferences."


def test_without_advice_the_message_stands_alone() -> None:
    assert report_words(ErrorReport("OSError", "It broke.")) == "It broke."
