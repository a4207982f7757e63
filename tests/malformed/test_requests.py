"""Hostile requests: whatever the bytes, a worker answers a line that is no request by one error and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.models import FakeModels
from offload.protocol import Generate, Load, StatsRequest, Stop, Unload
from offload.protocol_files import Inspect, Pack, PlanRequest
from offload.protocol_hub import CatalogRequest, Discard, Find, Pull
from offload.protocol_lines import ProtocolError, Request, decode_event, decode_request, encode
from offload.worker import Worker, read_lines

REQUESTS: list[Request] = [
    Load(1, "m"),
    Generate(2, prompt="a"),
    Stop(2),
    StatsRequest(3),
    Unload(4),
    Inspect(5, "m"),
    PlanRequest(6, "m"),
    Pack(7, "m", force=True),
    CatalogRequest(8),
    Find(9, "u/r", "/m"),
    Pull(10, "u/r", "/m"),
    Discard(11, "u/r", "/m"),
]
VALID = [encode(request) for request in REQUESTS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["type", "id", "model", "config", "prompt", "messages", "params", "residency", "n_points", "force"]
FIELDS += ["name", "models_folder", "with_speed", "extra"]
KINDS = ["load", "generate", "stop", "stats", "unload", "inspect", "plan", "pack"]
TYPES = st.sampled_from([*KINDS, "catalog", "find", "pull", "discard"])


@st.composite
def mutated_lines(draw: st.DrawFn) -> bytes:
    """Draw the bytes of a valid request with some replaced, removed or added."""
    line = bytearray(draw(st.sampled_from(VALID)).rstrip(b"\n"))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(line)))
        line[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(line).replace(b"\n", b" ")


@st.composite
def odd_objects(draw: st.DrawFn) -> bytes:
    """Draw an object that has the shape of a request and any values."""
    fields: dict[str, Any] = draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
    return json.dumps({"type": draw(TYPES), "id": 1, **fields}).encode()


LINES = mutated_lines() | odd_objects() | st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b" "))


def decoded(line: bytes) -> Request | None:
    try:
        return decode_request(line)
    except ProtocolError:
        return None


@settings(max_examples=1500)
@given(LINES)
def test_decoding_gives_a_request_or_a_protocol_error(line: bytes) -> None:
    request = decoded(line)
    assert request is None or decode_request(encode(request)) == request


@settings(max_examples=300)
@given(st.lists(LINES.filter(lambda line: decoded(line) is None), max_size=6))
def test_a_worker_answers_each_malformed_line_by_one_error_and_does_nothing_else(lines: list[bytes]) -> None:
    events: list[dict[str, Any]] = []
    worker = Worker(lambda line: events.append(json.loads(line)), FakeModels(), version="0")
    worker.feed(iter([*lines, encode(StatsRequest(9))]))
    worker.run()
    *errors, stats, hello = events
    assert [event["type"] for event in errors] == ["error"] * len(lines)
    assert (stats["type"], stats["loaded"], hello["type"]) == ("stats", False, "hello")


class _Chunks:
    """A raw stream that gives what it has in pieces of the sizes it is told."""

    def __init__(self, data: bytes, sizes: Iterator[int]) -> None:
        self._data, self._sizes = data, sizes

    def read(self, limit: int) -> bytes:
        size = min(limit, next(self._sizes, limit))
        piece, self._data = self._data[:size], self._data[size:]
        return piece


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(1, 9)))
def test_lines_are_the_same_however_the_bytes_arrive(lines: list[bytes], sizes: list[int]) -> None:
    data = b"\n".join(lines)
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    stream: Any = _Chunks(data, iter(sizes))
    assert list(read_lines(stream)) == expected


def test_every_event_a_worker_sends_can_be_decoded() -> None:
    events: list[bytes] = []
    worker = Worker(events.append, FakeModels(), version="0")
    worker.feed(iter([b"nonsense", encode(StatsRequest(1, residency=True))]))
    worker.run()
    assert len([decode_event(event) for event in events]) == 3
