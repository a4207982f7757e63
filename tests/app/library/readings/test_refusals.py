"""Why a file was refused where the worker could not say it."""

import signal

import pytest

from offload.protocol_devices import DevicesRequest
from offload.protocol_files import Inspect, Pack, PlanRequest
from offload_app.library.readings.refusals import died_report
from offload_app.worker_death import DeathCause, ProcessEnd

SEGV = ProcessEnd(code=int(signal.SIGSEGV), is_crash=True)
KILLED = ProcessEnd(code=int(signal.SIGKILL), is_crash=True)
BUS = ProcessEnd(code=int(signal.SIGBUS), is_crash=True)


@pytest.mark.parametrize(
    ("end", "message", "hint"),
    [
        (SEGV, "looked at a.gguf ended in the middle, twice", "damaged"),
        (KILLED, "looked at a.gguf ended in the middle, twice", "memory ran out"),
        (BUS, "looked at a.gguf ended in the middle, twice", "cannot be read to the end"),
        (ProcessEnd(DeathCause.SILENT), "Nothing was heard for too long while a.gguf", "slow"),
        (ProcessEnd(DeathCause.NOT_STARTED, start_error="no file."), "could not be started: no file.", "Install"),
    ],
)
def test_the_file_is_named_and_what_to_do(end: ProcessEnd, message: str, hint: str) -> None:
    for request in (Inspect(1, "/m/a.gguf"), PlanRequest(1, "/m/a.gguf")):
        report = died_report(request, end)
        assert message in report.message
        assert hint in report.hint


def test_the_demo_model_has_a_name_too() -> None:
    assert "the demo model" in died_report(Inspect(1), SEGV).message


def test_packing_that_was_killed_says_so() -> None:
    assert "packs a.gguf" in died_report(Pack(1, "/m/a.gguf"), SEGV).message


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (SEGV, "asks the graphics driver for its devices ended in the middle, twice"),
        (ProcessEnd(DeathCause.SILENT), "did not answer in time"),
    ],
)
def test_a_driver_that_fails_is_named_with_what_to_choose(end: ProcessEnd, message: str) -> None:
    report = died_report(DevicesRequest(1), end)
    assert message in report.message
    assert report.hint == "Choose CPU only, or bring the driver up to date."
