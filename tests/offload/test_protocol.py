"""The protocol's lines: what goes out comes back the same, and nothing else is taken."""

import json
from dataclasses import replace
from typing import Any

import pytest

from offload.config import DirectIo, EngineConfig, FinishReason, GenerationParams, Message, OnMiss, Role, StoreChoice
from offload.errors import BudgetError, OffloadError, UsageError
from offload.protocol import (
    PROTOCOL_VERSION,
    CatalogEntry,
    DevicePlan,
    Done,
    Generate,
    Hello,
    ListedDevice,
    Load,
    Loaded,
    Loading,
    ModelOffer,
    ModelSummary,
    PackState,
    PlanOutline,
    PlanPoint,
    PullPhase,
    Shutdown,
    StatsEvent,
    StatsRequest,
    Stop,
    TokenEvent,
    Unload,
    Unloaded,
)
from offload.protocol_devices import DevicesEvent, DevicesRequest
from offload.protocol_errors import ErrorEvent, ErrorReport, report_of
from offload.protocol_files import Inspect, Inspected, Pack, Packed, Packing, Planned, PlanRequest
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
from offload.protocol_lines import MAX_LINE_BYTES, Event, ProtocolError, Request, decode_event, decode_request, encode
from offload.stats import DeviceMemoryUse, MemoryUse, PagingUse, Speed, Stats

CONFIG = EngineConfig(memory=6 << 30, n_ctx=512, store=StoreChoice.GGUF, direct_io=DirectIo.ON)
PARAMS = GenerationParams(n_predict=3, temperature=0.0, stop=("END", "\n\n"), json_schema="{}", ignore_eos=True)
STATS = Stats(MemoryUse(budget_bytes=7), PagingUse(hits=3, stall_seconds=0.5), Speed(n_prompt=4))

SUMMARY = ModelSummary(
    path="/models/ünï.gguf",
    name="Größer 😀",
    architecture="qwen3moe",
    quantization="Q4_K_M",
    n_files=2,
    file_bytes=1 << 40,
    expert_bytes=1 << 39,
    n_params=10**12,
    n_layer=48,
    n_expert=128,
    n_expert_used=8,
    context_length=1 << 20,
    pack_state=PackState.NONE,
)
OUTLINE = PlanOutline(
    n_ctx=4096,
    n_ubatch=512,
    floor_bytes=1,
    whole_bytes=9,
    budget_bytes=-5,
    total_memory_bytes=1 << 40,
    available_memory_bytes=1 << 39,
    points=(PlanPoint(1, 2, 3, 4, 5, 6, 7, 8, 0.0), PlanPoint(9, 2, 3, 4, 5, 6, 7, 8, 1.0, 0.5, 1.5, 2.5)),
)

REQUESTS: list[Request] = [
    Load(1),
    Load(1, "/models/ünï.gguf", CONFIG),
    Load(2, config=EngineConfig(memory="60%")),
    Generate(3, prompt=""),
    Generate(3, prompt="two\nlines \U0001f600 \x00", params=PARAMS),
    Generate(4, messages=(Message(Role.SYSTEM, "be brief"), Message(Role.USER, "hello"))),
    Stop(4),
    StatsRequest(5, residency=True),
    Unload(6),
    Inspect(7),
    Inspect(7, "/models/ünï.gguf"),
    PlanRequest(8),
    PlanRequest(8, "m.gguf", CONFIG, n_points=1),
    Pack(9, "m.gguf"),
    Pack(9, "m.gguf", force=True),
    PlanRequest(8, with_speed=True),
    CatalogRequest(10),
    Find(11, "u/größer:Q4_K_M", "/m"),
    Fit(14, "u/größer:Q4_K_M", "/m"),
    Fit(14, "u/r", "/m", CONFIG, n_points=1),
    Pull(12, "u/r", "/m"),
    Discard(13, "u/r", "/m"),
    DevicesRequest(15),
    Load(16, config=EngineConfig(device="CUDA0", vram="6G", on_miss=OnMiss.COMPUTE)),
    Shutdown(),
]
EVENTS: list[Event] = [
    Hello(PROTOCOL_VERSION, "0.1.0"),
    Loading(1, 0.25),
    Loading(1, 1.0),
    Loaded(1, "m.gguf", "a model", 4096, "gguf", True, {"slot_bytes": 5, "parts": [1, {"x": None}]}, ("slots 5 B",)),
    TokenEvent(2, -1, "\u2028", 0),
    Done(2, FinishReason.CONTEXT_FULL, STATS),
    StatsEvent(3, True, STATS, ("0123", "3210")),
    Unloaded(4),
    Inspected(5, SUMMARY),
    Inspected(5, replace(SUMMARY, pack_state=PackState.STALE, packed_bytes=7)),
    Planned(6, "/m.gguf", OUTLINE),
    Packing(7, 0.01),
    CatalogEvent(8, ()),
    CatalogEvent(8, (CatalogEntry("Größer", "u/r:Q4_K_M", 1 << 40, "MIT", "qwen3moe", 128, 8, 10**12, 10**9),)),
    Found(9, ModelOffer("u/r:Q4_K_M", "u/r", "0" * 40, 2, 1 << 40, 0, -1, "/m/u/r/ü.gguf", True)),
    Fitted(12, SUMMARY, OUTLINE),
    Pulling(10, PullPhase.WAITING, 1, 1 << 40),
    Pulled(10, "/m/u/r/ü.gguf"),
    Discarded(11, 1 << 40),
    DevicesEvent(13, ()),
    DevicesEvent(13, (ListedDevice("CUDA0", "Größe 4090", 1 << 34, 0), ListedDevice("MTL0", "", 0, 0, True))),
    Planned(6, "/m.gguf", replace(OUTLINE, device=DevicePlan("CUDA0", 9, 8, 1, 2, 3, 0, 3))),
    StatsEvent(3, True, replace(STATS, memory=MemoryUse(host_bytes=5, device=DeviceMemoryUse("CUDA0", slot_bytes=3)))),
    Packed(7, "/m.offload", 1 << 62),
    ErrorEvent(None, ErrorReport("UsageError", "no")),
    ErrorEvent(5, ErrorReport("BudgetError", "no", "lower -c", {"budget_bytes": 1, "share": 0.5, "file": "m"})),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_comes_back_the_same(request_: Request) -> None:
    assert decode_request(encode(request_)) == request_


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_comes_back_the_same(event: Event) -> None:
    assert decode_event(encode(event)) == event


@pytest.mark.parametrize("message", [*REQUESTS, *EVENTS])
def test_every_message_is_one_line_of_json_with_a_type(message: Request | Event) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert isinstance(json.loads(line)["type"], str)


def test_fields_with_a_default_may_be_left_out() -> None:
    assert decode_request(b'{"type":"load","id":1}') == Load(1)
    assert decode_request(b'{"type":"load","id":1,"config":{"n_ctx":5}}') == Load(1, config=EngineConfig(n_ctx=5))


def test_an_integer_is_taken_where_a_number_is_asked_for() -> None:
    request = decode_request(b'{"type":"generate","id":1,"prompt":"a","params":{"temperature":1}}')
    assert request == Generate(1, prompt="a", params=GenerationParams(temperature=1.0))


MALFORMED: list[tuple[bytes, str]] = [
    (b"", "Not JSON"),
    (b"load", "Not JSON"),
    (b"\xff\xfe", "Not UTF-8 at byte 0"),
    (b"[]", "Expected a JSON object, got list"),
    (b"null", "Expected a JSON object, got null"),
    (b"7", "Expected a JSON object, got int"),
    (b'{"type":"stop","id":1', "Not JSON"),
    (b'{"type":"stop","id":1} {"type":"stop","id":1}', "Not JSON"),
    (b"{}", "Unknown request type None"),
    (b'{"type":"format_disk","id":1}', "Unknown request type 'format_disk'"),
    (b'{"type":["stop"],"id":1}', "Unknown request type"),
    (b'{"type":"token","id":1,"token":1,"text":"","index":0}', "Unknown request type 'token'"),
    (b'{"type":"stop"}', "lacks the field 'id'"),
    (b'{"type":"stop","id":"1"}', "id must be an integer"),
    (b'{"type":"stop","id":true}', "id must be an integer"),
    (b'{"type":"stop","id":1.0}', "id must be an integer"),
    (b'{"type":"stop","id":-1}', "id must be an integer"),
    (b'{"type":"stop","id":9223372036854775808}', "id must be an integer"),
    (b'{"type":"stop","id":null}', "stop.id must be int"),
    (b'{"type":"stop","id":1,"id":2}', "twice"),
    (b'{"type":"stop","id":1,"force":true}', "stop has no field 'force'"),
    (b'{"type":"shutdown","id":1}', "shutdown has no field 'id'"),
    (b'{"type":"load","id":1,"model":7}', "load.model must be str"),
    (b'{"type":"load","id":1,"config":[]}', "load.config must be object"),
    (b'{"type":"load","id":1,"config":{"n_ctx":"4096"}}', "load.config.n_ctx must be int"),
    (b'{"type":"load","id":1,"config":{"n_ctx":true}}', "load.config.n_ctx must be int"),
    (b'{"type":"load","id":1,"config":{"n_ctx":1e3}}', "load.config.n_ctx must be int"),
    (b'{"type":"load","id":1,"config":{"n_ctx":99999999999999999999}}', "must fit 64 bits"),
    (b'{"type":"load","id":1,"config":{"store":"AUTO"}}', "must be one of 'auto', 'gguf'"),
    (b'{"type":"load","id":1,"config":{"memory":6.5}}', "load.config.memory must be"),
    (b'{"type":"inspect","id":1,"model":["m"]}', "inspect.model must be str"),
    (b'{"type":"plan","id":1,"n_points":2.0}', "plan.n_points must be int"),
    (b'{"type":"plan","id":1,"config":{"memory":null}}', "plan.config.memory must be"),
    (b'{"type":"fit","id":1,"name":"u/r"}', "fit lacks the field 'models_folder'"),
    (b'{"type":"fit","id":1,"name":"u/r","models_folder":"/m","n_points":2.0}', "fit.n_points must be int"),
    (b'{"type":"pack","id":1}', "pack lacks the field 'model'"),
    (b'{"type":"pack","id":1,"model":null}', "pack.model must be str"),
    (b'{"type":"pack","id":1,"model":"m","force":1}', "pack.force must be bool"),
    (b'{"type":"generate","id":1}', "either prompt or messages"),
    (b'{"type":"generate","id":1,"messages":[]}', "either prompt or messages"),
    (
        b'{"type":"generate","id":1,"prompt":"a","messages":[{"role":"user","content":"b"}]}',
        "either prompt or messages",
    ),
    (b'{"type":"generate","id":1,"prompt":"\\ud800"}', "half of a surrogate pair"),
    (b'{"type":"generate","id":1,"messages":[{"role":"tool","content":"b"}]}', "generate.messages[0].role must be one"),
    (b'{"type":"generate","id":1,"messages":[{"role":"user"}]}', "generate.messages[0] lacks the field 'content'"),
    (b'{"type":"generate","id":1,"prompt":"a","params":{"temperature":NaN}}', "NaN is no JSON number"),
    (b'{"type":"generate","id":1,"prompt":"a","params":{"temperature":1e999}}', "must be a finite number"),
    (b'{"type":"generate","id":1,"prompt":"a","params":{"stop":"END"}}', "generate.params.stop must be list"),
    (b'{"type":"generate","id":1,"prompt":"a","params":{"stop":[1]}}', "generate.params.stop[0] must be str"),
    (b'{"type":"generate","id":1,"prompt":"a","params":{"temprature":1}}', "has no field 'temprature'"),
    (b'{"type":"load","id":1,"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "Nested too deep"),
    (b'{"type":"stop","id":' + b"9" * 5000 + b"}", "Not JSON"),
]


@pytest.mark.parametrize(("line", "message"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_line_that_is_not_exactly_a_request_is_refused(line: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_request(line)
    assert message in caught.value.message
    assert len(caught.value.message) < 400


def test_a_line_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    line = encode(Generate(1, prompt="a" * MAX_LINE_BYTES))
    with pytest.raises(ProtocolError, match=str(MAX_LINE_BYTES)):
        decode_request(line)


@pytest.mark.parametrize(
    ("line", "request_id"),
    [
        (b'{"type":"nonsense","id":7}', 7),
        (b'{"type":"stop","id":7,"x":1}', 7),
        (b'{"type":"stop","id":"7"}', None),
        (b"nonsense", None),
    ],
)
def test_a_refused_line_is_told_apart_by_its_id_where_it_has_one(line: bytes, request_id: int | None) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_request(line)
    assert caught.value.request_id == request_id


def test_generate_cannot_even_be_made_with_both_or_neither() -> None:
    with pytest.raises(UsageError):
        Generate(1)
    with pytest.raises(UsageError):
        Generate(1, prompt="a", messages=(Message(Role.USER, "b"),))


def test_an_error_of_ours_is_reported_with_its_numbers() -> None:
    error = BudgetError("It does not fit.", budget_bytes=1, floor_bytes=2, hint="Lower -c.")
    report = report_of(error)
    assert report == ErrorReport("BudgetError", "It does not fit.", "Lower -c.", {"budget_bytes": 1, "floor_bytes": 2})


def test_any_other_error_is_reported_by_its_name() -> None:
    assert report_of(KeyError("x")).type == "KeyError"
    assert report_of(RuntimeError()).message == "no message"


def test_a_file_name_that_is_not_unicode_does_not_break_the_line() -> None:
    event = ErrorEvent(1, report_of(OffloadError("Bad file.", file="m\udcff.gguf")))
    decoded: Any = decode_event(encode(event))
    assert decoded.error.numbers == {"file": "m?.gguf"}
