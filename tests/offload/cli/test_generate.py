"""`offload generate`: prompts, outputs and what reaches the engine."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import FakeEngine
from offload.config import DirectIo, EngineConfig, GenerationParams, Message, Role, StoreChoice
from offload.protocol import Done, Hello, Loaded, Loading, TokenEvent
from offload.protocol_lines import decode_event

Run = Callable[..., Any]


def test_the_text_goes_to_standard_output_and_ends_its_line(offload: Run) -> None:
    outcome = offload("generate", "hello")
    assert (outcome.code, outcome.out, outcome.err) == (0, "You said: hello\n", "")


def test_piped_input_comes_before_the_prompt(offload: Run) -> None:
    assert offload("generate", "-p", "sum up", stdin=b"a report").out == "You said: a report\nsum up\n"


def test_piped_input_alone_is_the_prompt(offload: Run) -> None:
    assert offload("generate", stdin=b"hello\n").out == "You said: hello\n"


def test_piped_input_that_is_not_text_is_refused(offload: Run) -> None:
    outcome = offload("generate", stdin=b"\xff\xfe")
    assert outcome.code == 2
    assert "not UTF-8" in outcome.err


def test_a_prompt_file_loses_its_last_line_end(offload: Run, tmp_path: Path, opened: list[FakeEngine]) -> None:
    (tmp_path / "prompt.txt").write_text("two\nlines\n")
    offload("generate", "--raw", "-f", str(tmp_path / "prompt.txt"))
    assert opened[0].prompts == ["two\nlines"]


def test_a_missing_prompt_file_is_a_usage_error(offload: Run, tmp_path: Path) -> None:
    outcome = offload("generate", "-f", str(tmp_path / "none.txt"))
    assert outcome.code == 2
    assert "No such file" in outcome.err


def test_escapes_are_resolved_only_where_asked_for(offload: Run, opened: list[FakeEngine]) -> None:
    offload("generate", "--raw", "-e", "-p", r"a\nb\\n\x")
    offload("generate", "--raw", "-p", r"a\nb")
    assert [engine.prompts for engine in opened] == [["a\nb\\n\\x"], [r"a\nb"]]


@pytest.mark.parametrize("argv", [(), ("-p", "a", "b"), ("a", "-f", "b")])
def test_exactly_one_prompt_is_taken(offload: Run, argv: tuple[str, ...]) -> None:
    assert offload("generate", *argv).code == 2


def test_the_chat_template_is_applied_with_the_system_prompt(offload: Run, opened: list[FakeEngine]) -> None:
    offload("generate", "-sys", "be brief", "hello")
    assert opened[0].conversations == [(Message(Role.SYSTEM, "be brief"), Message(Role.USER, "hello"))]


@pytest.mark.parametrize("flag", ["--raw", "-no-cnv", "--no-cnv"])
def test_raw_continues_the_prompt_as_it_is(offload: Run, opened: list[FakeEngine], flag: str) -> None:
    offload("generate", flag, "once upon")
    assert (opened[0].prompts, opened[0].conversations) == (["once upon"], [])


def test_a_model_without_a_template_continues_the_prompt_and_says_so(offload: Run, opened: list[FakeEngine]) -> None:
    outcome = offload("generate", "-m", "plain.gguf", "once upon")
    assert opened[0].prompts == ["once upon"]
    assert "no chat template" in outcome.err


def test_without_options_the_engine_gets_the_defaults(offload: Run, opened: list[FakeEngine]) -> None:
    offload("generate", "hello")
    assert (opened[0].config, opened[0].params) == (EngineConfig(), [GenerationParams()])


def test_every_option_reaches_the_engine(offload: Run, opened: list[FakeEngine]) -> None:
    argv = (
        "--memory 6G -c 512 -b 64 -ub 32 -t 3 --readers 4 --store gguf --direct-io off -n 7 --temp 0.5 --top-k 3 "
        "--top-p 0.9 --min-p 0.1 --typical 0.7 --repeat-penalty 1.1 --repeat-last-n 9 --presence-penalty 0.2 "
        "--frequency-penalty 0.3 -s 42 -r END --stop STOP --grammar g --ignore-eos --context-shift --keep 5"
    )
    offload("generate", "hello", *argv.split())
    assert opened[0].config == EngineConfig("6G", 512, 64, 32, 3, 4, StoreChoice.GGUF, DirectIo.OFF)
    assert opened[0].params == [
        GenerationParams(7, 0.5, 3, 0.9, 0.1, 0.7, 1.1, 9, 0.2, 0.3, 42, ("END", "STOP"), "g", "", True, True, 5)
    ]


def test_device_and_its_memory_reach_the_engine(offload: Run, opened: list[FakeEngine]) -> None:
    offload("generate", "hello", "--device", "Vulkan0", "--vram", "80%")
    assert opened[0].config == EngineConfig(device="Vulkan0", vram="80%")


def test_grammar_and_schema_are_read_from_files(offload: Run, opened: list[FakeEngine], tmp_path: Path) -> None:
    (tmp_path / "g.gbnf").write_text("root ::= [a-z]")
    (tmp_path / "s.json").write_text("{}")
    offload("generate", "hello", "--grammar-file", str(tmp_path / "g.gbnf"))
    offload("generate", "hello", "-jf", str(tmp_path / "s.json"))
    assert [engine.params[0].grammar for engine in opened] == ["root ::= [a-z]", ""]
    assert [engine.params[0].json_schema for engine in opened] == ["", "{}"]


def test_json_is_one_object_with_the_text_the_reason_and_the_stats(offload: Run) -> None:
    outcome = offload("generate", "--json", "hello", "-n", "2")
    assert (outcome.json["text"], outcome.json["finish_reason"]) == ("You said: ", "stop")
    assert outcome.json["stats"]["speed"]["n_generated"] == 2
    assert outcome.err == ""


def test_jsonl_is_the_event_stream_of_the_protocol(offload: Run) -> None:
    events = [decode_event(line.encode()) for line in offload("generate", "--jsonl", "hello").out.splitlines()]
    kinds = list(dict.fromkeys(type(event) for event in events))
    assert kinds == [Hello, Loading, Loaded, TokenEvent, Done]
    assert "".join(event.text for event in events if isinstance(event, TokenEvent)) == "You said: hello"


def test_stats_are_a_table_on_standard_error(offload: Run) -> None:
    outcome = offload("generate", "--stats", "hello")
    assert outcome.out == "You said: hello\n"
    assert "hit rate 75.0% of 12" in outcome.err
    assert "4.00 tokens/s" in outcome.err


def test_a_full_context_is_told(offload: Run) -> None:
    outcome = offload("generate", "full")
    assert outcome.code == 0
    assert "--context-shift" in outcome.err


def test_an_error_after_some_text_ends_the_line_first(offload: Run) -> None:
    outcome = offload("generate", "fail")
    assert (outcome.code, outcome.out) == (1, "on \n")
    assert outcome.err == "offload: error: llama.cpp could not compute. Try a smaller batch.\n"


def test_the_engine_is_closed_after_the_answer(offload: Run, opened: list[FakeEngine]) -> None:
    offload("generate", "hello")
    assert opened[0].closed


def test_json_text_keeps_every_character(offload: Run) -> None:
    text = 'quote " and \\ and ünïcode \U0001f600'
    assert json.loads(offload("generate", "--json", text).out)["text"] == f"You said: {text}"
