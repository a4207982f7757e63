"""The search for devices: asked only when wanted, and what was found stays."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import GPU, devices_listed, serves_models
from fakes.scripted_worker import Step, die, expect, failed, hello, worker
from offload_app.device_search import DeviceSearch
from offload_app.engine_client import WORKER_COMMAND
from offload_app.library.library_client import LibraryClient

WAIT_MS = 20000


@contextmanager
def searching(*steps: Step | Sequence[Step], command: Sequence[str] = ()) -> Iterator[DeviceSearch]:
    above = QObject()
    search = DeviceSearch(LibraryClient(tuple(command) or worker(hello(), *steps), parent=above), above)
    try:
        yield search
    finally:
        search.close()
        above.deleteLater()


def names(search: DeviceSearch) -> list[str] | None:
    return [device.name for device in search.devices] if search.devices is not None else None


def test_nothing_is_known_before_anybody_looks(qtbot: QtBot) -> None:
    with searching(serves_models()) as search:
        assert (search.devices, search.refusal) == (None, None)


def test_what_the_worker_lists_is_found(qtbot: QtBot) -> None:
    with searching(serves_models()) as search:
        with qtbot.waitSignal(search.changed, timeout=WAIT_MS):
            search.look()
        assert names(search) == ["CUDA0"]


def test_it_is_not_asked_again_while_it_is_asked(qtbot: QtBot) -> None:
    second = {**GPU, "name": "CUDA1"}
    with searching(expect("devices"), devices_listed(GPU), expect("devices"), devices_listed(second)) as search:
        with qtbot.waitSignal(search.changed, timeout=WAIT_MS):
            search.look()
            search.look()
        assert names(search) == ["CUDA0"]
        with qtbot.waitSignal(search.changed, timeout=WAIT_MS):
            search.look()
        assert names(search) == ["CUDA1"]


def test_a_refusal_leaves_what_was_found_and_says_why(qtbot: QtBot) -> None:
    steps = expect("devices"), devices_listed(GPU), expect("devices"), failed("AbiError", "No library.")
    with searching(*steps) as search:
        for _ in range(2):
            with qtbot.waitSignal(search.changed, timeout=WAIT_MS):
                search.look()
        assert names(search) == ["CUDA0"]
        assert search.refusal is not None
        assert search.refusal.message == "No library."


def test_a_driver_that_kills_the_worker_is_named(qtbot: QtBot) -> None:
    with searching(expect("devices"), die(signal.SIGSEGV)) as search:
        with qtbot.waitSignal(search.changed, timeout=WAIT_MS):
            search.look()
        assert search.refusal is not None
        assert "graphics driver" in search.refusal.message
        assert search.devices is None


def test_the_real_worker_answers_and_does_not_offer_the_processor(qtbot: QtBot) -> None:
    with searching(command=WORKER_COMMAND) as search:
        with qtbot.waitSignal(search.changed, timeout=3 * WAIT_MS):
            search.look()
        assert search.refusal is None
        assert "CPU" not in (names(search) or [])
        assert search.devices is not None
