"""The worker with the real engine, as a process of its own: what it answers of model files."""

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.hub_server import running_hub
from fakes.measuring import FakeMeasuring
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.cli.worker import EngineModels
from offload.config import EngineConfig
from offload.engine_speeds import outline_speeds
from offload.inspection import inspect_model
from offload.model_summary import PackState
from offload.protocol import Load, Loaded, Loading, Stop
from offload.protocol_errors import ErrorEvent
from offload.protocol_files import Inspect, Inspected, Pack, Packed, Packing, Planned, PlanRequest
from offload.protocol_hub import Fit, Fitted
from offload.protocol_lines import Event, Request, decode_event, encode
from offload.worker import Worker
from offload.worker_client import WorkerClient

CONFIG = EngineConfig(memory="2G", n_ctx=256, n_ubatch=32, n_threads=1)
MIB = 1 << 20


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_expert=64)


class Asked:
    """A worker process that is asked one thing at a time."""

    def __init__(self, client: WorkerClient) -> None:
        self._client = client
        self._events = client.events()

    def ask(self, request: Request) -> Any:
        """Return the last event of a request."""
        self._client.request(request)
        return next(event for event in self._events if not isinstance(event, Loading | Packing))


@pytest.fixture
def worker() -> Iterator[Asked]:
    with WorkerClient() as client:
        yield Asked(client)


def test_a_model_is_inspected_and_packed(worker: Asked, model: Path) -> None:
    assert worker.ask(Inspect(1, str(model))) == Inspected(1, inspect_model(model))
    packed = worker.ask(Pack(2, str(model)))
    store = model.with_suffix(".offload")
    assert packed == Packed(2, str(store), store.stat().st_size)
    summary = worker.ask(Inspect(3, str(model))).model
    assert (summary.pack_state, summary.packed_bytes) == (PackState.READY, packed.n_bytes)


def test_a_stop_in_the_middle_of_packing_leaves_nothing_behind(model: Path) -> None:
    events: list[Event] = []

    def emit(line: bytes) -> None:
        events.append(decode_event(line))
        if isinstance(events[-1], Packing) and events[-1].fraction >= 0.5:
            here.feed(iter([encode(Stop(1))]))

    here = Worker(emit, EngineModels(), version="0")
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    feeder = threading.Thread(target=here.feed, args=(iter(lines.get, None),))
    feeder.start()
    lines.put(encode(Pack(1, str(model))))
    here.run()
    lines.put(None)
    feeder.join()
    fractions = [event.fraction for event in events if isinstance(event, Packing)]
    assert fractions == sorted(set(fractions))
    assert isinstance(events[-1], ErrorEvent)
    assert events[-1].error.type == "CancelledError"
    assert list(model.parent.iterdir()) == [model]


def test_the_plan_of_the_budget_is_the_one_that_is_loaded(worker: Asked, model: Path) -> None:
    outline = worker.ask(PlanRequest(1, str(model), CONFIG)).outline
    loaded = worker.ask(Load(2, str(model), CONFIG))
    assert isinstance(loaded, Loaded)
    assert loaded.plan["dense_bytes"] == outline.points[0].dense_bytes
    assert loaded.plan["kv_bytes"] == outline.points[0].kv_bytes
    assert loaded.plan["budget_bytes"] == outline.budget_bytes


def test_an_open_model_does_not_raise_the_floor(worker: Asked, model: Path) -> None:
    closed = worker.ask(PlanRequest(1, str(model), CONFIG, n_points=1)).outline
    assert isinstance(worker.ask(Load(2, str(model), CONFIG)), Loaded)
    opened = worker.ask(PlanRequest(3, str(model), CONFIG, n_points=1)).outline
    assert abs(opened.floor_bytes - closed.floor_bytes) < 8 * MIB


def test_the_store_of_the_open_model_may_be_replaced(worker: Asked, model: Path) -> None:
    assert isinstance(worker.ask(Pack(1, str(model))), Packed)
    loaded = worker.ask(Load(2, str(model), CONFIG))
    assert loaded.store == "model.offload"
    assert isinstance(worker.ask(Pack(3, str(model), force=True)), Packed)
    assert isinstance(worker.ask(Load(4, str(model), CONFIG)), Loaded)


def test_of_a_model_on_the_hub_the_header_alone_comes_and_nothing_stays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, trailing = tmp_path / "scratch", 4 << 20
    scratch.mkdir()
    # The machine is known before: what is measured of it is no matter here.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outline_speeds(model, CONFIG, 1, folder=tmp_path, measuring=FakeMeasuring())
    with running_hub() as hub:
        hub.add("u/r", {"M-Q4_K_M.gguf": model.read_bytes() + bytes(trailing)})
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1", "TMPDIR": str(scratch)}
        with WorkerClient(environment=environment) as client:
            fitted = Asked(client).ask(Fit(1, "u/r", str(tmp_path), CONFIG, n_points=3))
        assert isinstance(fitted, Fitted)
        assert 0 < hub.served_bytes < model.stat().st_size
    assert fitted.model.path == str(tmp_path / "u" / "r" / "M-Q4_K_M.gguf")
    assert [point.tokens_per_second > 0 for point in fitted.outline.points] == [True] * 3
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (Inspect(1, __file__), "ModelFileError"),
        (Inspect(1, "/nowhere.gguf"), "ModelNotFoundError"),
        (PlanRequest(1, "/nowhere.gguf"), "ModelNotFoundError"),
        (PlanRequest(1, None, EngineConfig(memory="banana")), "UsageError"),
        (PlanRequest(1, None, n_points=0), "UsageError"),
        (Pack(1, __file__), "ModelFileError"),
    ],
)
def test_bad_input_is_one_typed_error(worker: Asked, request_: Request, kind: str) -> None:
    error = worker.ask(request_)
    assert isinstance(error, ErrorEvent)
    assert (error.id, error.error.type) == (1, kind)
    assert isinstance(worker.ask(PlanRequest(2, None, n_points=1)), Planned)
