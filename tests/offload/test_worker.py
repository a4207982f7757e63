"""The worker's invariants, with the fake engine; every thread of a test ends with it."""

import io
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import OWN_BYTES, FakeEngine, inspect_model, outline_plans
from fakes.models import FakeModels
from fakes.served_worker import Served
from offload import worker as worker_module
from offload.config import EngineConfig, FinishReason, GenerationParams, Message, Role, Token
from offload.protocol import (
    Done,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    Shutdown,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
)
from offload.protocol_errors import ErrorEvent
from offload.protocol_files import Inspect, Inspected, Pack, Packed, Packing, Planned, PlanRequest
from offload.protocol_lines import MAX_LINE_BYTES, Event, Request, encode
from offload.worker import MAX_WAITING, Worker, read_lines


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.end()


def test_the_first_event_is_the_hello(served: Served) -> None:
    assert served.next() == Hello(protocol=1, version="0")


def test_a_load_tells_its_progress_and_what_was_opened(served: Served) -> None:
    served.ask(Load(1, "m.gguf"))
    assert served.until(Loading) == Loading(1, 0.0)
    loaded = served.until(Loaded)
    assert (loaded.id, loaded.model, loaded.n_ctx, loaded.has_chat_template) == (1, "m.gguf", 4096, True)
    assert loaded.plan["slot_bytes"] == 4 << 30


def test_a_prompt_is_answered_token_by_token(served: Served) -> None:
    served.ask(Load(1), Generate(2, prompt="hello", params=GenerationParams(top_k=7)))
    served.until(Loaded)
    tokens = [served.next() for _ in range(4)]
    assert [token.text for token in tokens if isinstance(token, TokenEvent)] == ["You ", "said: ", "hello", ""]
    done = served.next()
    assert isinstance(done, Done)
    assert (done.id, done.finish_reason, done.stats.speed.n_generated) == (2, FinishReason.STOP, 3)
    assert served.engines[0].params == [GenerationParams(top_k=7)]


def test_messages_go_through_the_chat_template(served: Served) -> None:
    messages = (Message(Role.SYSTEM, "be brief"), Message(Role.USER, "hello"))
    served.ask(Load(1), Generate(2, messages=messages))
    served.until(Done)
    assert served.engines[0].conversations == [messages]


def test_without_a_model_a_generation_is_refused(served: Served) -> None:
    served.ask(Generate(2, prompt="hello"))
    error = served.until(ErrorEvent)
    assert (error.id, error.error.type) == (2, "UsageError")


@pytest.mark.parametrize(
    ("model", "kind"), [("missing", "ModelNotFoundError"), ("bad", "ModelFileError"), ("huge", "BudgetError")]
)
def test_a_failed_load_leaves_the_worker_serving(served: Served, model: str, kind: str) -> None:
    served.ask(Load(1, model), Load(2, "m.gguf"))
    error = served.until(ErrorEvent)
    assert (error.id, error.error.type) == (1, kind)
    assert served.until(Loaded, ErrorEvent).id == 2


@pytest.mark.parametrize(("prompt", "kind"), [("fail", "DecodeError"), ("defect", "RuntimeError")])
def test_a_failed_generation_leaves_the_worker_serving(
    served: Served, prompt: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    served.ask(Load(1), Generate(2, prompt=prompt), Generate(3, prompt="hello"))
    error = served.until(ErrorEvent)
    assert (error.id, error.error.type) == (2, kind)
    assert served.until(Done, ErrorEvent).id == 3


def test_a_line_that_is_no_request_is_answered_by_one_error_and_nothing_else_happens(served: Served) -> None:
    served.ask(Load(1))
    served.until(Loaded)
    served.say(b'{"type":"unload","id":2,"really":true}')
    assert served.until(ErrorEvent).id == 2
    served.ask(StatsRequest(3))
    stats = served.next()
    assert isinstance(stats, StatsEvent)
    assert stats.loaded
    assert not served.engines[0].closed


@pytest.mark.parametrize("prompt", ["endless", "prefill"])
def test_a_stop_ends_decode_and_prefill(served: Served, prompt: str) -> None:
    served.ask(Load(1), Generate(2, prompt=prompt), StatsRequest(3))
    served.until(Loaded)
    if prompt == "endless":
        served.until(TokenEvent)
    served.ask(Stop(2))
    done = served.until(Done)
    assert (done.id, done.finish_reason) == (2, FinishReason.CANCELLED)


def test_a_stop_ends_a_load(served: Served) -> None:
    served.ask(Load(1, "slow.gguf"))
    served.until(Loading)
    served.ask(Stop(1))
    error = served.until(ErrorEvent)
    assert (error.id, error.error.type, served.engines) == (1, "CancelledError", [])


def test_a_stop_ends_a_generation_that_still_waits(served: Served) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"), Generate(3, prompt="endless"))
    served.until(TokenEvent)
    served.ask(Stop(3), Stop(2))
    first, second = served.until(Done), served.until(Done, TokenEvent)
    assert (first.id, second.id) == (2, 3)
    assert second.finish_reason is FinishReason.CANCELLED


def test_a_stop_of_what_has_ended_changes_nothing(served: Served) -> None:
    served.ask(Load(1), Stop(1), Stop(77))
    served.until(Loaded, ErrorEvent)
    served.ask(Stop(1), Load(5), Generate(6, prompt="hello"))
    assert served.until(Done).finish_reason is FinishReason.STOP


def test_stats_are_answered_while_text_is_generated(served: Served) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"))
    served.until(TokenEvent)
    served.ask(StatsRequest(3, residency=True))
    stats = served.until(StatsEvent, Done)
    assert (stats.id, stats.loaded, stats.residency) == (3, True, ("2031", "2031"))
    served.ask(Stop(2))


def test_requests_are_answered_in_order_one_at_a_time(served: Served) -> None:
    served.ask(Load(1), *(Generate(number, prompt="hello") for number in (5, 3, 4)))
    served.until(Loaded)
    ids: list[int] = []
    while len(ids) < 15:
        event: Any = served.next()
        ids.append(event.id)
    assert ids == [5] * 5 + [3] * 5 + [4] * 5


def test_an_id_that_is_not_answered_yet_is_refused(served: Served) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"), Generate(2, prompt="hello"))
    assert served.until(ErrorEvent).error.message == "Request 2 is not answered yet."
    served.ask(Stop(2))
    assert served.until(Done).finish_reason is FinishReason.CANCELLED


def test_an_id_is_free_as_soon_as_its_last_event_is_out(served: Served) -> None:
    served.next()
    requests: list[Request] = [Inspect(1), Unload(1), Inspect(1, "missing")]
    for request in requests * 100:
        served.ask(request)
        event: Any = served.next()
        assert isinstance(event, Inspected | Unloaded) or event.error.type == "ModelNotFoundError"


def test_only_so_many_requests_may_wait(served: Served) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"))
    served.until(TokenEvent)
    served.ask(*(Generate(number, prompt="hello") for number in range(10, 11 + MAX_WAITING)))
    assert served.until(ErrorEvent).id == 10 + MAX_WAITING
    served.ask(Stop(2))


def test_an_unload_closes_the_model(served: Served) -> None:
    served.ask(Load(1), Unload(2))
    assert served.until(Unloaded) == Unloaded(2)
    assert served.engines[0].closed


def test_a_second_load_closes_the_first_model_before_it_opens_its_own(served: Served) -> None:
    served.ask(Load(1), Load(2, "missing"))
    assert served.until(ErrorEvent).id == 2
    assert served.engines[0].closed
    served.ask(StatsRequest(3))
    assert served.until(StatsEvent).loaded is False


def test_a_model_is_inspected_without_being_opened(served: Served) -> None:
    served.ask(Inspect(1, "m.gguf"), Inspect(2))
    assert served.until(Inspected, ErrorEvent) == Inspected(1, inspect_model("m.gguf"))
    assert served.until(Inspected, ErrorEvent).model.path == "demo.gguf"
    assert served.engines == []


def test_a_plan_has_the_points_and_the_configuration_that_were_asked_for(served: Served) -> None:
    config = EngineConfig(n_ubatch=77)
    served.ask(PlanRequest(1, "m.gguf", config, n_points=3))
    path, outline = outline_plans("m.gguf", config, 3)
    assert served.until(Planned, ErrorEvent) == Planned(1, str(path), outline)
    assert served.engines == []


def test_a_plan_does_not_count_what_the_open_model_takes(served: Served) -> None:
    served.ask(PlanRequest(1, n_points=1), Load(2), PlanRequest(3, n_points=1), Unload(4), PlanRequest(5, n_points=1))
    runtimes = [served.until(Planned, ErrorEvent).outline.points[0].runtime_bytes for _ in range(3)]
    measured_now = outline_plans(None, EngineConfig(), 1)[1].points[0].runtime_bytes
    assert runtimes == [measured_now, OWN_BYTES, measured_now]


def test_packing_tells_of_every_percent_once_and_of_the_store_at_the_end(served: Served, tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    served.ask(Pack(1, str(model)))
    assert isinstance(served.next(), Hello)
    events: list[Event] = [served.next()]
    while isinstance(events[-1], Packing):
        events.append(served.next())
    assert events[:-1] == [Packing(1, percent / 100) for percent in (0, *range(50, 100))]
    packed = tmp_path / "m.interleaved.pack"
    assert events[-1] == Packed(1, str(packed), packed.stat().st_size)


def test_a_store_that_is_there_is_replaced_only_by_force(served: Served, tmp_path: Path) -> None:
    model, packed = tmp_path / "m.gguf", tmp_path / "m.interleaved.pack"
    packed.write_bytes(b"")
    served.ask(Pack(1, str(model)), Pack(2, str(model), force=True))
    assert served.until(Packed, ErrorEvent).error.type == "UsageError"
    assert served.until(Packed, ErrorEvent).n_bytes == len(packed.read_bytes()) > 0


def test_inspecting_planning_and_packing_leave_the_open_model_as_it_is(served: Served, tmp_path: Path) -> None:
    model = str(tmp_path / "m.gguf")
    served.ask(Load(1, model), Inspect(2, model), PlanRequest(3, model), Pack(4, model), Pack(5, model, force=True))
    assert [served.until(Inspected, Planned, Packed, ErrorEvent).id for _ in range(4)] == [2, 3, 4, 5]
    served.ask(Generate(6, prompt="hello"))
    assert served.until(Done, ErrorEvent).id == 6
    assert [engine.closed for engine in served.engines] == [False]


def test_where_open_files_cannot_be_replaced_no_store_is_replaced_while_a_model_is_open(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_REPLACES_OPEN_FILES", False)
    model = str(tmp_path / "m.gguf")
    served.ask(Pack(1, model), Load(2, model), Pack(3, model, force=True), Unload(4), Pack(5, model, force=True))
    served.until(Packed)
    refused = served.until(Packed, ErrorEvent)
    assert (refused.id, refused.error.hint) == (3, "Unload the model first.")
    assert served.until(Packed, ErrorEvent).id == 5


@pytest.mark.parametrize("request_", [Inspect(1, "bad"), PlanRequest(1, "bad"), Pack(1, "bad"), Inspect(1, "defect")])
def test_a_file_that_is_no_use_leaves_the_worker_serving(
    served: Served, request_: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    served.ask(request_, Inspect(2, "m.gguf"))
    error = served.until(ErrorEvent)
    assert (error.id, error.error.type) in {(1, "ModelFileError"), (1, "RuntimeError")}
    assert served.until(Inspected, ErrorEvent).id == 2


def test_a_stop_ends_packing(served: Served, tmp_path: Path) -> None:
    served.ask(Pack(1, str(tmp_path / "slow.gguf")))
    served.until(Packing)
    served.ask(Stop(1))
    error = served.until(ErrorEvent, Packed)
    assert (error.id, error.error.type, list(tmp_path.iterdir())) == (1, "CancelledError", [])


@pytest.mark.parametrize("request_", [Inspect(3, "m"), PlanRequest(3, "m"), Pack(3, "m"), Load(3, "m")])
def test_a_stop_ends_a_request_that_still_waits(served: Served, request_: Request) -> None:
    served.ask(Load(1), Generate(2, prompt="endless"), request_)
    served.until(TokenEvent)
    served.ask(Stop(3), Stop(2))
    assert served.until(Done).id == 2
    error = served.until(ErrorEvent, Inspected, Planned, Packed, Loaded)
    assert (error.id, error.error.type) == (3, "CancelledError")


def test_shutdown_stops_packing(tmp_path: Path) -> None:
    served = Served()
    served.ask(Pack(1, str(tmp_path / "slow.gguf")))
    served.until(Packing)
    served.ask(Shutdown())
    served.join()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prompt", ["hello", "endless", "prefill"])
@pytest.mark.parametrize("politely", [True, False])
def test_shutdown_and_the_end_of_input_stop_what_runs_and_close_the_model(prompt: str, politely: bool) -> None:
    served = Served()
    served.ask(Load(1), Generate(2, prompt=prompt), Generate(3, prompt=prompt))
    served.until(Loaded)
    if politely:
        served.ask(Shutdown())
        served.join()
    else:
        served.end()
    assert served.engines[0].closed


def test_a_reader_that_is_gone_ends_the_worker_and_closes_the_model() -> None:
    models = FakeModels()

    def emit(line: bytes) -> None:
        if b'"token"' in line:
            raise BrokenPipeError

    worker = Worker(emit, models, version="0")
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    feeder = threading.Thread(target=worker.feed, args=(iter(lines.get, None),))
    feeder.start()
    lines.put(encode(Load(1)))
    lines.put(encode(Generate(2, prompt="hello")))
    with pytest.raises(BrokenPipeError):
        worker.run()
    lines.put(None)
    feeder.join()
    assert models.opened[0].closed


def test_a_line_that_is_too_long_is_cut_and_the_next_one_is_whole() -> None:
    data = b"a" * (MAX_LINE_BYTES + 100_000) + b"\nnext\n"
    first, second = read_lines(io.BytesIO(data))
    assert (len(first), second) == (MAX_LINE_BYTES + 1, b"next")


def test_a_generation_is_closed_before_its_engine() -> None:
    order: list[str] = []

    class Watched(FakeEngine):
        def complete(self, prompt: str, params: GenerationParams = GenerationParams()) -> Iterator[Token]:  # noqa: B008
            try:
                yield Token(1, "a", 0)
            finally:
                order.append("generation")

        def close(self) -> None:
            order.append("engine")

    def emit(line: bytes) -> None:
        if b'"token"' in line:
            raise BrokenPipeError

    models = FakeModels(lambda path, config, *, on_progress: Watched(Path("m"), config))
    worker = Worker(emit, models, version="0")
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    feeder = threading.Thread(target=worker.feed, args=(iter(lines.get, None),))
    feeder.start()
    lines.put(encode(Load(1)))
    lines.put(encode(Generate(2, prompt="hello")))
    with pytest.raises(BrokenPipeError):
        worker.run()
    lines.put(None)
    feeder.join()
    assert order == ["generation", "engine"]
