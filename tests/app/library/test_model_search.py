"""The search: the catalogue, and what the hub says of names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import catalogued, found, serves_models
from fakes.scripted_worker import Step, expect, expect_next, failed, hello, worker
from offload_app.library.library_client import LibraryClient
from offload_app.library.model_search import ModelSearch

WAIT_MS = 20000


@contextmanager
def searching(asker: Sequence[Step] = (), scout: Sequence[Step] = ()) -> Iterator[ModelSearch]:
    above = QObject()
    first, second = (
        LibraryClient(worker(hello(), *(steps or (serves_models(),))), parent=above) for steps in (asker, scout)
    )
    try:
        yield ModelSearch(first, second, above)
    finally:
        for client in (first, second):
            client.close()
        above.deleteLater()


def test_the_catalogue_is_asked_for_once(qtbot: QtBot) -> None:
    with searching((expect_next("catalog"), catalogued(), expect_next("shutdown"))) as search:
        search.begin()
        qtbot.waitUntil(lambda: len(search.entries) == 3, timeout=WAIT_MS)
        search.begin()
        assert search._asker.n_waiting == 0


def test_a_catalogue_that_could_not_be_read_is_asked_for_with_the_next_wish(qtbot: QtBot) -> None:
    refused = failed("OffloadError", "The catalogue is not installed.")
    with searching((expect("catalog"), refused, expect_next("catalog"), catalogued())) as search:
        search.begin()
        qtbot.waitUntil(lambda: search.refusal is not None, timeout=WAIT_MS)
        search.begin()
        qtbot.waitUntil(lambda: len(search.entries) == 3, timeout=WAIT_MS)
        assert search.refusal is None


def test_the_hub_is_asked_only_where_that_is_wanted(qtbot: QtBot) -> None:
    with searching() as search:
        search.begin()
        qtbot.waitUntil(lambda: len(search.entries) == 3, timeout=WAIT_MS)
        assert not search._scout.has_worker
        search.look_up("u/r:Q8_0", "/m")
        assert search.lookups["u/r:q8_0"].offer is None
        qtbot.waitUntil(lambda: search.lookups["u/r:q8_0"].offer is not None, timeout=WAIT_MS)


def test_a_name_is_asked_for_once_at_a_time(qtbot: QtBot) -> None:
    with searching(scout=(expect_next("find"), found("u/r"), expect_next("shutdown"))) as search:
        search.look_up("u/r", "/m")
        search.look_up("U/R", "/m")
        qtbot.waitUntil(lambda: search.lookups["u/r"].offer is not None, timeout=WAIT_MS)
        assert search._scout.n_waiting == 0


def test_a_name_that_was_refused_is_asked_for_again(qtbot: QtBot) -> None:
    refused = failed("HubError", "The hub cannot be reached.", "Check the connection.")
    with searching(scout=(expect_next("find"), refused, expect_next("find"), found("u/r"))) as search:
        search.look_up("u/r", "/m")
        qtbot.waitUntil(lambda: search.lookups["u/r"].refusal is not None, timeout=WAIT_MS)
        search.look_up("u/r", "/m")
        assert search.lookups["u/r"].refusal is None
        qtbot.waitUntil(lambda: search.lookups["u/r"].offer is not None, timeout=WAIT_MS)
