"""`offload generate --batch`: many prompts from a file of JSON lines, their answers as JSON lines in the same order."""

import argparse
import contextlib
import dataclasses
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from offload.bytesize import format_bytes
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.options import engine_config, generation_params
from offload.cli.tables import device_memory_lines, tier_lines
from offload.cli.terminal import Terminal
from offload.config import BatchAnswer, BatchPrompt, FinishReason, GenerationParams, Message, Role
from offload.errors import UsageError
from offload.protocol_errors import report_of
from offload.protocol_json import dataclass_from_json, dump_line, parse_object, to_json
from offload.stats import Stats

MOST_PARALLEL = 16
"""Sequences at a time where nobody says how many."""

_SAMPLING = {field.name for field in dataclasses.fields(GenerationParams)}


class _Request(NamedTuple):
    """A line of the file: its number, counted from 1, what it calls its prompt, and the prompt."""

    number: int
    id: str | int | None
    prompt: BatchPrompt


@dataclass(frozen=True, slots=True)
class _Line:
    """The fields of a line that are not the sampling's."""

    id: str | int | None = None
    prompt: str | None = None
    messages: tuple[Message, ...] | None = None
    system: str | None = None


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Answer the file; 130 where it was interrupted, 1 where a prompt could not be answered.

    Raises:
        OffloadError: of the options, the file (nothing is run then) or the model.
    """
    given = [name for name in ("text", "prompt", "file") if getattr(args, name) is not None]
    if given or args.json or args.jsonl or args.escape:
        raise UsageError(
            "--batch takes its prompts from the file and answers in JSON lines.",
            hint="Leave out the prompt, -f, -e, --json and --jsonl.",
        )
    requests = list(read_requests(args.batch, generation_params(args), args.system_prompt))
    config = engine_config(args)
    from offload.engine import open_model

    failed = False
    with Interrupt() as interrupt:

        def on_progress(fraction: float) -> bool:
            terminal.progress("loading the model", fraction)
            return interrupt.go_on()

        with open_model(
            args.model,
            config,
            n_parallel=args.n_parallel or min(len(requests), MOST_PARALLEL),
            fewer_parallel=args.n_parallel == 0,
            on_progress=on_progress,
        ) as engine:
            terminal.clear_progress()
            started = time.perf_counter()
            answers = engine.batch(_templated(requests, engine.chat_template, terminal, raw=args.raw))
            interrupt.on_request(engine.stop)
            done: list[BatchAnswer] = []
            with contextlib.closing(answers) if isinstance(answers, Generator) else contextlib.nullcontext():
                for answer in answers if interrupt.go_on() else ():
                    terminal.clear_progress()
                    terminal.write_bytes(dump_line(_answer_fields(answer, requests[answer.index])))
                    failed |= answer.error is not None
                    done.append(answer)
                    terminal.progress(f"answered {len(done)} of {len(requests)}", len(done) / len(requests))
            interrupt.on_request(None)
            terminal.clear_progress()
            if args.stats:
                for line in _stats_lines(done, engine.stats(), time.perf_counter() - started):
                    terminal.say(terminal.dim(line))
    if interrupt.requested:
        return EXIT_INTERRUPTED
    return 1 if failed else 0


def read_requests(path: str, params: GenerationParams, system: str) -> Iterator[_Request]:
    """Yield the requests of a file; `params` and `system` are for lines that say nothing else. Skips empty lines.

    Raises:
        UsageError: the file cannot be read, a line is no request (with its number), or there is none.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"The batch file {path} cannot be read: {error.strerror or error}.") from None
    n_requests = 0
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                request_id, prompt = _request(line, params, system)
            except UsageError as error:
                raise UsageError(f"{path}, line {number}: {error.message}", hint=error.hint) from None
            yield _Request(number, request_id, dataclasses.replace(prompt, name=f"{path}, line {number}"))
            n_requests += 1
    if not n_requests:
        raise UsageError(f"The batch file {path} has no line.", hint='Write lines such as {"prompt": "Hello"}.')


def _request(line: bytes, params: GenerationParams, system: str) -> tuple[str | int | None, BatchPrompt]:
    fields = parse_object(line)
    own = {name: fields.pop(name) for name in list(fields) if name in _SAMPLING}
    if isinstance(own.get("stop"), str):
        own["stop"] = [own["stop"]]
    if isinstance(own.get("json_schema"), dict | bool):
        own["json_schema"] = json.dumps(own["json_schema"])
    described = dataclass_from_json(_Line, fields, "the request")
    inherited = to_json(params)
    assert isinstance(inherited, dict)
    sampling = dataclass_from_json(GenerationParams, inherited | own, "the request")
    if (described.prompt is None) == (described.messages is None):
        raise UsageError('A request has either "prompt" or "messages".')
    system = system if described.system is None else described.system
    before = (Message(Role.SYSTEM, system),) if system else ()
    content: str | tuple[Message, ...]
    if described.messages is not None:
        if not described.messages:
            raise UsageError('"messages" is empty.')
        content = described.messages if described.messages[0].role is Role.SYSTEM else before + described.messages
    else:
        if not described.prompt:
            raise UsageError('"prompt" is empty.')
        content = (*before, Message(Role.USER, described.prompt))
    return described.id, BatchPrompt(content, sampling)


def _templated(
    requests: Sequence[_Request], chat_template: str | None, terminal: Terminal, *, raw: bool
) -> list[BatchPrompt]:
    """Return the prompts, joined into plain texts where no chat template is applied."""
    if not raw and chat_template is not None:
        return [request.prompt for request in requests]
    if not raw:
        terminal.complain("This model has no chat template: the prompts are continued as they are.", "note")
    return [dataclasses.replace(request.prompt, content=_plain(request.prompt)) for request in requests]


def _plain(prompt: BatchPrompt) -> str:
    if isinstance(prompt.content, str):
        return prompt.content
    return "\n\n".join(message.content for message in prompt.content)


def _answer_fields(answer: BatchAnswer, request: _Request) -> dict[str, object]:
    fields: dict[str, object] = {"index": answer.index}
    if request.id is not None:
        fields["id"] = request.id
    fields |= {
        "text": answer.text,
        "finish_reason": answer.finish_reason.value if answer.finish_reason is not None else "error",
        "n_prompt": answer.n_prompt,
        "n_generated": answer.n_generated,
    }
    if answer.error is not None:
        fields["error"] = to_json(report_of(answer.error))
    return fields


def _stats_lines(answers: Sequence[BatchAnswer], stats: Stats, seconds: float) -> list[str]:
    """Return the statistics of the batch, one line each."""
    n_prompt = sum(answer.n_prompt for answer in answers)
    n_generated = sum(answer.n_generated for answer in answers)
    n_done = sum(answer.error is None and answer.finish_reason is not FinishReason.CANCELLED for answer in answers)
    paging, memory = stats.paging, stats.memory
    tokens = n_prompt + n_generated
    return [
        f"batch    {n_done} answers in {seconds:.2f} s, {n_prompt} prompt and {n_generated} answer tokens, "
        f"{tokens / seconds:.2f} tokens/s",
        f"experts  {paging.n_slots} slots for {paging.n_layer * paging.n_expert} experts, "
        f"hit rate {paging.hit_rate:.1%} of {paging.hits + paging.misses}",
        f"disk     {format_bytes(paging.bytes_read)} read, {format_bytes(round(paging.bytes_read / max(1, tokens)))} "
        f"a token, waited {paging.stall_seconds + paging.staging_wait_seconds:.2f} s",
        *tier_lines(paging),
        f"memory   {format_bytes(memory.peak_bytes)} at most of {format_bytes(memory.budget_bytes)}",
        *device_memory_lines(memory.device),
    ]
