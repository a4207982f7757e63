"""`offload generate --batch`: what a line may say, what is refused, and how answers come out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import FakeEngine
from offload.config import GenerationParams, Message, Role
from offload.stats import DeviceMemoryUse, MemoryUse, PagingUse, Stats

Run = Callable[..., Any]
Batch = Callable[..., str]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Return what writes lines to a batch file."""

    def write(*lines: object) -> str:
        path = tmp_path / "batch.jsonl"
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return str(path)

    return write


def test_answers_are_lines_in_the_order_of_the_prompts(offload: Run, batch: Batch) -> None:
    outcome = offload("generate", "--batch", batch({"prompt": "one"}, "", {"prompt": "two", "id": "b"}))
    assert outcome.code == 0
    assert outcome.lines == [
        {"index": 0, "text": "You said: one", "finish_reason": "stop", "n_prompt": 3, "n_generated": 2},
        {"index": 1, "id": "b", "text": "You said: two", "finish_reason": "stop", "n_prompt": 3, "n_generated": 2},
    ]


def test_a_line_has_a_conversation_and_a_system_prompt_of_its_own(
    offload: Run, batch: Batch, opened: list[FakeEngine]
) -> None:
    conversation = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    lines = [{"messages": conversation}, *({"prompt": "d", "system": said} for said in ("long", "")), {"prompt": "e"}]
    offload("generate", "-sys", "short", "--batch", batch(*lines))
    short, said = Message(Role.SYSTEM, "short"), [Message(Role(one["role"]), one["content"]) for one in conversation]
    assert opened[0].conversations == [
        (short, *said),
        (Message(Role.SYSTEM, "long"), Message(Role.USER, "d")),
        (Message(Role.USER, "d"),),
        (short, Message(Role.USER, "e")),
    ]


def test_a_line_overrides_the_options(offload: Run, batch: Batch, opened: list[FakeEngine]) -> None:
    schema = {"type": "object"}
    lines = [{"prompt": "a", "temperature": 0, "seed": 5, "stop": "x"}, {"prompt": "b", "json_schema": schema}]
    offload("generate", "-n", "9", "--temp", "0.5", "--batch", batch(*lines))
    assert opened[0].params == [
        GenerationParams(n_predict=9, temperature=0.0, seed=5, stop=("x",)),
        GenerationParams(n_predict=9, temperature=0.5, json_schema=json.dumps(schema)),
    ]


def test_raw_prompts_are_continued_as_they_are(offload: Run, batch: Batch, opened: list[FakeEngine]) -> None:
    offload("generate", "--raw", "--batch", batch({"prompt": "once", "system": "s"}))
    assert (opened[0].prompts, opened[0].conversations) == (["s\n\nonce"], [])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "Not JSON"),
        ("[]", "Expected a JSON object"),
        ({}, 'either "prompt" or "messages"'),
        ({"prompt": "a", "messages": []}, 'either "prompt" or "messages"'),
        ({"prompt": ""}, '"prompt" is empty'),
        ({"messages": []}, '"messages" is empty'),
        ({"messages": [{"role": "king", "content": "a"}]}, "must be one of 'system', 'user', 'assistant'"),
        ({"prompt": 5}, "prompt must be str"),
        ({"prompt": "a", "temprature": 1}, "has no field 'temprature'"),
        ({"prompt": "a", "temperature": "hot"}, "temperature must be float"),
        ({"prompt": "a", "n_predict": 1.5}, "n_predict must be int"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_run(
    offload: Run, batch: Batch, opened: list[FakeEngine], line: object, complaint: str
) -> None:
    outcome = offload("generate", "--batch", batch({"prompt": "fine"}, "", line))
    assert (outcome.code, outcome.out, opened) == (2, "", [])
    assert "batch.jsonl, line 3: " in outcome.err
    assert complaint in outcome.err


def test_an_empty_or_missing_file_is_refused(offload: Run, batch: Batch, tmp_path: Path) -> None:
    assert "has no line" in offload("generate", "--batch", batch("")).err
    outcome = offload("generate", "--batch", str(tmp_path / "none.jsonl"))
    assert outcome.code == 2
    assert "No such file" in outcome.err


@pytest.mark.parametrize("option", [["hello"], ["-p", "hello"], ["-f", "x"], ["--json"], ["--jsonl"], ["-e"]])
def test_options_of_a_single_prompt_are_refused(offload: Run, batch: Batch, option: list[str]) -> None:
    assert offload("generate", "--batch", batch({"prompt": "a"}), *option).code == 2


def test_parallel_is_for_batches(offload: Run) -> None:
    assert offload("generate", "-np", "4", "hello").code == 2


@pytest.mark.parametrize(("options", "expected"), [([], (3, True)), (["-np", "2"], (2, False))])
def test_so_many_prompts_run_at_a_time(
    offload: Run, batch: Batch, opened: list[FakeEngine], options: list[str], expected: tuple[int, bool]
) -> None:
    offload("generate", *options, "--batch", batch(*[{"prompt": "a"}] * 3))
    assert (opened[0].n_parallel, opened[0].fewer_parallel) == expected


def test_a_prompt_that_fails_is_an_answer_and_the_others_go_on(offload: Run, batch: Batch) -> None:
    outcome = offload("generate", "--batch", batch({"prompt": "fail"}, {"prompt": "two"}))
    assert outcome.code == 1
    failed, fine = outcome.lines
    assert failed["finish_reason"] == "error"
    assert failed["error"]["type"] == "DecodeError"
    assert fine["finish_reason"] == "stop"


def test_statistics_go_to_standard_error(offload: Run, batch: Batch) -> None:
    outcome = offload("generate", "--stats", "--batch", batch({"prompt": "one"}, {"prompt": "two"}))
    assert "2 answers in" in outcome.err
    assert "hit rate" in outcome.err


def test_with_a_device_the_statistics_tell_both_memories(
    offload: Run, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryUse(budget_bytes=6 << 30, device=DeviceMemoryUse("CUDA0", 4 << 30, slot_bytes=3 << 30))
    stats = Stats(memory, PagingUse(n_layer=1, bytes_uploaded=1 << 20))
    monkeypatch.setattr(FakeEngine, "stats", lambda _: stats)
    outcome = offload("generate", "--stats", "--batch", batch({"prompt": "one"}))
    assert "1.0 MiB uploaded" in outcome.err
    assert "3.0 GiB of 4.0 GiB on CUDA0: slots 3.0 GiB" in outcome.err
