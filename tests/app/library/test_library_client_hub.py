"""The library client with models that are not here: catalogue, looking up, downloading, and stopping it."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from fakes.scripted_models import CATALOG, catalogued, discarded, fitted, found, planned, pulled, pulling
from fakes.scripted_worker import Step, die_once, expect, expect_next, failed, hang, hello, worker
from offload.protocol import CatalogEntry, EngineConfig, PullPhase
from offload_app.library.library_client import IdleTimes, LibraryClient

WAIT_MS = 20000
SIGNALS = ("listed", "found", "fitted", "pulling", "pulled", "discarded", "planned", "refused", "cancelled")


class Told:
    """What a client told, in order."""

    def __init__(self, client: LibraryClient) -> None:
        self.entries: list[tuple[str, Any]] = []
        for name in SIGNALS:
            getattr(client, name).connect(
                lambda *values, name=name: self.entries.append((name, values[1] if len(values) > 1 else None))
            )

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.entries]

    def wait(self, qtbot: QtBot, n: int) -> None:
        qtbot.waitUntil(lambda: len(self.entries) >= n, timeout=WAIT_MS)
        assert len(self.entries) == n


@contextmanager
def asking(*steps: Step | Sequence[Step], times: IdleTimes | None = None) -> Iterator[tuple[LibraryClient, Told]]:
    client = LibraryClient(worker(hello(), *steps), times=times)
    try:
        yield client, Told(client)
    finally:
        client.close()
        client.deleteLater()


def test_each_request_has_its_answer(qtbot: QtBot) -> None:
    steps = (
        (expect_next("catalog"), catalogued()),
        (expect_next("find"), found("u/r:Q8_0", n_bytes=7)),
        (expect_next("pull"), pulling(1, 2), pulled("/m/u/r/r.gguf")),
        (expect_next("discard"), discarded(5)),
    )
    with asking(*steps) as (client, told):
        client.catalog()
        client.find("u/r:Q8_0", "/m")
        client.pull("u/r:Q8_0", "/m")
        client.discard("u/r:Q8_0", "/m")
        told.wait(qtbot, 5)
        assert told.names == ["listed", "found", "pulling", "pulled", "discarded"]
        values = [value for _, value in told.entries]
        assert values[0][0] == CatalogEntry(**CATALOG[0])
        assert (values[1].name, values[1].n_bytes) == ("u/r:Q8_0", 7)
        assert (values[2].phase, values[2].done_bytes, values[2].total_bytes) == (PullPhase.DOWNLOADING, 1, 2)
        assert values[3:] == ["/m/u/r/r.gguf", 5]


def test_an_answer_to_another_kind_of_request_changes_nothing(qtbot: QtBot) -> None:
    with asking(expect("pull"), discarded(), found("u/r"), pulled("/m/x.gguf")) as (client, told):
        client.pull("u/r", "/m")
        told.wait(qtbot, 1)
        assert told.names == ["pulled"]


def test_a_download_may_take_as_long_as_it_takes(qtbot: QtBot) -> None:
    times = IdleTimes(answer_seconds=0.05)
    steps = (expect("pull"), pulling(1), {"do": "pause", "seconds": 0.3}, pulled())
    with asking(*steps, times=times) as (client, told):
        client.pull("u/r", "/m")
        told.wait(qtbot, 2)
        assert told.names == ["pulling", "pulled"]


def test_a_download_is_stopped_and_told_as_cancelled(qtbot: QtBot) -> None:
    stopped = failed("CancelledError", "Stopped.")
    with asking(expect("pull"), pulling(1), expect("stop"), stopped, expect("pull"), pulled()) as (client, told):
        first = client.pull("u/r", "/m")
        told.wait(qtbot, 1)
        client.cancel(first)
        told.wait(qtbot, 2)
        client.pull("u/r", "/m")
        told.wait(qtbot, 3)
        assert told.names == ["pulling", "cancelled", "pulled"]


def test_a_network_that_keeps_a_stop_waiting_is_not_waited_for(qtbot: QtBot) -> None:
    times = IdleTimes(stop_seconds=0.1)
    with asking(expect("pull"), pulling(1), hang(), times=times) as (client, told):
        id = client.pull("u/r", "/m")
        told.wait(qtbot, 1)
        client.cancel(id)
        told.wait(qtbot, 2)
        assert told.names == ["pulling", "cancelled"]
        qtbot.waitUntil(lambda: not client.has_worker, timeout=WAIT_MS)


def test_a_download_whose_worker_is_killed_goes_on_in_the_next(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("pull"), die_once(tmp_path / "died", signal.SIGKILL), pulling(2), pulled())
    with asking(*steps) as (client, told):
        client.pull("u/r", "/m")
        told.wait(qtbot, 2)
        assert told.names == ["pulling", "pulled"]


def test_a_download_that_kills_two_workers_is_refused_by_name(qtbot: QtBot, tmp_path: Path) -> None:
    deaths = (die_once(tmp_path / "1", signal.SIGKILL), die_once(tmp_path / "2", signal.SIGKILL))
    with asking(expect("pull"), *deaths, pulled()) as (client, told):
        client.pull("u/r", "/m")
        told.wait(qtbot, 1)
        ((name, report),) = told.entries
        assert name == "refused"
        assert "downloads u/r ended in the middle, twice" in report.message


def test_a_hub_that_is_never_done_answering_is_named(qtbot: QtBot) -> None:
    times = IdleTimes(answer_seconds=0.1)
    with asking(expect("find"), hang(), times=times) as (client, told):
        client.find("u/r", "/m")
        told.wait(qtbot, 1)
        assert "asked for u/r, and did not answer" in told.entries[0][1].message


def test_a_folder_that_is_no_text_is_refused(qtbot: QtBot) -> None:
    with asking() as (client, told):
        client.pull("u/r", "/m/\udcff")
        told.wait(qtbot, 1)
        assert told.names == ["refused"]


def test_how_a_model_of_the_hub_will_run_is_asked_and_told(qtbot: QtBot) -> None:
    asked: list[object] = []
    steps = (expect_next("fit"), fitted(n_ctx=512))
    with asking(*steps) as (client, told):
        client.fitted.connect(lambda request, _: asked.append((request.name, request.models_folder, request.config)))
        client.fit("u/r:Q8_0", "/m", EngineConfig(n_ctx=512))
        told.wait(qtbot, 1)
        ((name, value),) = told.entries
        assert (name, value.model.context_length, value.outline.n_ctx) == ("fitted", 32768, 512)
        assert asked == [("u/r:Q8_0", "/m", EngineConfig(n_ctx=512))]


def test_a_header_may_take_as_long_as_the_network_does(qtbot: QtBot) -> None:
    times = IdleTimes(answer_seconds=0.05)
    with asking(expect("fit"), {"do": "pause", "seconds": 0.3}, fitted(), times=times) as (client, told):
        client.fit("u/r", "/m", EngineConfig())
        told.wait(qtbot, 1)
        assert told.names == ["fitted"]


def test_a_header_that_is_not_wanted_any_more_is_not_waited_for_forever(qtbot: QtBot) -> None:
    times = IdleTimes(fit_stop_seconds=0.1)
    with asking(expect("fit"), hang(), times=times) as (client, told):
        id = client.fit("u/r", "/m", EngineConfig())
        qtbot.waitUntil(lambda: client.running is not None, timeout=WAIT_MS)
        client.cancel(id)
        told.wait(qtbot, 1)
        assert told.names == ["cancelled"]


def test_who_plans_with_a_header_is_given_the_time_to_end_well(qtbot: QtBot) -> None:
    times = IdleTimes(stop_seconds=0.05)
    steps = (expect("fit"), expect("stop"), {"do": "pause", "seconds": 0.3}, fitted(), expect_next("catalog"))
    with asking(*steps, catalogued(), times=times) as (client, told):
        id = client.fit("u/r", "/m", EngineConfig())
        qtbot.waitUntil(lambda: client.running is not None, timeout=WAIT_MS)
        client.cancel(id)
        client.catalog()
        told.wait(qtbot, 2)
        assert told.names == ["fitted", "listed"]


def test_a_header_that_kills_two_workers_is_refused_by_name(qtbot: QtBot, tmp_path: Path) -> None:
    deaths = (die_once(tmp_path / "1", signal.SIGSEGV), die_once(tmp_path / "2", signal.SIGSEGV))
    with asking(expect("fit"), *deaths, fitted()) as (client, told):
        client.fit("u/r", "/m", EngineConfig())
        told.wait(qtbot, 1)
        ((name, report),) = told.entries
        assert name == "refused"
        assert "read the header of u/r ended in the middle, twice" in report.message


def test_a_plan_is_asked_for_with_its_speed(qtbot: QtBot) -> None:
    seen: list[bool] = []
    with asking(expect("plan"), planned()) as (client, told):
        client.planned.connect(lambda request, _: seen.append(request.with_speed))
        client.plan("/m.gguf", EngineConfig(), with_speed=True)
        told.wait(qtbot, 1)
        assert seen == [True]
