"""The worker with models that are not here yet, the fake ones': looked up, planned with, pulled, stopped, discarded."""

from collections.abc import Iterator

import pytest

from fakes.engine import OWN_BYTES
from fakes.served_worker import Served
from offload import worker as worker_module
from offload.protocol import Done, Generate, Load, Loaded, PullPhase, Shutdown, Stop, TokenEvent
from offload.protocol_devices import DevicesEvent, DevicesRequest
from offload.protocol_errors import ErrorEvent
from offload.protocol_files import Planned, PlanRequest
from offload.protocol_hub import (
    CatalogEvent,
    CatalogRequest,
    Discard,
    Discarded,
    Find,
    Fit,
    Fitted,
    Found,
    Pull,
    Pulled,
    Pulling,
)
from offload.protocol_lines import Request


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.end()


def test_the_catalogue_is_told(served: Served) -> None:
    served.ask(CatalogRequest(1))
    assert [entry.name for entry in served.until(CatalogEvent, ErrorEvent).entries] == ["u/fake:Q4_K_M"]


def test_the_devices_are_told(served: Served) -> None:
    served.ask(DevicesRequest(1))
    assert [device.name for device in served.until(DevicesEvent, ErrorEvent).devices] == ["CUDA0", "Vulkan0"]


def test_a_model_is_looked_up_and_what_has_come_discarded(served: Served) -> None:
    served.ask(Find(1, "u/r", "/m"), Discard(2, "u/r", "/m"))
    assert served.until(Found, ErrorEvent).model.path == "/m/u/r.gguf"
    assert served.until(Discarded, ErrorEvent) == Discarded(2, 7)


def test_a_download_tells_of_every_phase_and_of_the_model_at_the_end(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "PULL_TELLS_SECONDS", 1e9)
    served.ask(Pull(1, "u/r", "/m"))
    told = [served.until(Pulling, Pulled, ErrorEvent) for _ in range(4)]
    assert told == [
        Pulling(1, PullPhase.LOOKING, 0, 0),
        Pulling(1, PullPhase.DOWNLOADING, 500, 1000),
        Pulling(1, PullPhase.CHECKING, 0, 1000),
        Pulled(1, "/m/u/r.gguf"),
    ]


def test_a_download_tells_now_and_then_how_far_it_is(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "PULL_TELLS_SECONDS", 0.0)
    served.ask(Pull(1, "u/r", "/m"))
    told = [served.until(Pulling, ErrorEvent).done_bytes for _ in range(501)]
    assert told == [0, *range(500, 1000)]


@pytest.mark.parametrize("request_", [Find(1, "u/slow", "/m"), Fit(1, "u/slow", "/m"), Pull(1, "u/slow", "/m")])
def test_a_stop_ends_what_waits_for_the_hub(served: Served, request_: Request) -> None:
    served.ask(request_, Find(2, "u/r", "/m"))
    served.ask(Stop(1))
    error = served.until(ErrorEvent, Pulled, Found, Fitted)
    assert (error.id, error.error.type) == (1, "CancelledError")
    assert served.until(Found, ErrorEvent).id == 2


@pytest.mark.parametrize("request_", [Find(3, "u/r", "/m"), Fit(3, "u/r", "/m"), Pull(3, "u/r", "/m")])
def test_a_stop_ends_a_request_that_still_waits(served: Served, request_: Request) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"), request_)
    served.until(TokenEvent)
    served.ask(Stop(3), Stop(2))
    assert served.until(Done).id == 2
    error = served.until(ErrorEvent, Found, Fitted, Pulled)
    assert (error.id, error.error.type) == (3, "CancelledError")


@pytest.mark.parametrize(
    "request_", [Find(1, "bad", "/m"), Fit(1, "bad", "/m"), Pull(1, "bad", "/m"), Discard(1, "bad", "/m")]
)
def test_a_name_that_is_none_leaves_the_worker_serving(served: Served, request_: Request) -> None:
    served.ask(request_, CatalogRequest(2))
    assert served.until(ErrorEvent).error.type == "UsageError"
    assert served.until(CatalogEvent, ErrorEvent).id == 2


def test_shutdown_stops_a_download() -> None:
    served = Served()
    served.ask(Pull(1, "u/slow", "/m"))
    served.until(Pulling)
    served.ask(Shutdown())
    served.join()


def test_pulling_leaves_the_open_model_as_it_is(served: Served) -> None:
    served.ask(Load(1), Pull(2, "u/r", "/m"), Generate(3, prompt="hello"))
    served.until(Loaded)
    assert served.until(Pulled, ErrorEvent).id == 2
    assert served.until(Done, ErrorEvent).id == 3
    assert [engine.closed for engine in served.engines] == [False]


def test_how_a_model_of_the_hub_will_run_is_told_with_speeds(served: Served) -> None:
    served.ask(Fit(1, "u/r", "/m", n_points=2))
    fitted = served.until(Fitted, ErrorEvent)
    assert (fitted.id, fitted.model.path) == (1, "/m/u/r.gguf")
    assert [point.tokens_per_second for point in fitted.outline.points] == [2.0, 2.0]


def test_the_model_that_is_open_is_not_counted_for_one_of_the_hub_and_stays_open(served: Served) -> None:
    served.ask(Fit(1, "u/r", "/m", n_points=1), Load(2), Fit(3, "u/r", "/m", n_points=1))
    runtimes = [served.until(Fitted, ErrorEvent).outline.points[0].runtime_bytes for _ in range(2)]
    assert runtimes == [OWN_BYTES + 1, OWN_BYTES]
    assert [engine.closed for engine in served.engines] == [False]


def test_a_plan_has_speeds_where_they_were_asked_for(served: Served) -> None:
    served.ask(PlanRequest(1, n_points=2, with_speed=True), PlanRequest(2, n_points=2))
    speeds = [[p.tokens_per_second for p in served.until(Planned, ErrorEvent).outline.points] for _ in range(2)]
    assert speeds == [[2.0, 2.0], [0.0, 0.0]]
