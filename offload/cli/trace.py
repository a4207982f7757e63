"""`offload trace`: record which experts a text, or the answers to prompts, are routed to."""

import argparse
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.cli.generate import stoppable
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.opening import open_shown
from offload.cli.options import add_engine, add_sampling, generation_params, read_text
from offload.cli.terminal import Terminal
from offload.config import GenerationParams, Message, Role, Token
from offload.errors import UsageError

if TYPE_CHECKING:
    from offload.engine import Engine
    from offload.routing.route_trace import RouteStep
    from offload.routing.trace_file import TraceWriter

_N_BATCH = 128
"""Tokens of a batch, where nobody says: every one has logits, which take 73 MiB, twice, of 150,000 words."""
_DESCRIPTION = """Record the routing of a text (-f), computed as it is, or of prompts and the answers to them (-p,
--prompts): experts and gate weights of every layer and token, of prefill and decode."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trace", help="record which experts a text or answers are routed to", description=_DESCRIPTION,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the trace, FILE.routes by custom")
    parser.add_argument("-f", "--file", metavar="TEXT", help="a text to compute as it is, whatever its length")
    parser.add_argument("-p", "--prompt", action="append", default=[], help="a prompt to answer; may be given again")
    parser.add_argument("--prompts", metavar="FILE", help="a file of prompts to answer, one in each line")
    parser.add_argument("--raw", action="store_true", help="continue the prompts as they are, without chat template")
    parser.add_argument("--inputs", action="store_true", help="record the routers' inputs too: much larger")
    add_engine(parser)
    add_sampling(parser)
    # So that the last layer, too, is computed for every token.
    parser.set_defaults(run=run, prompt_outputs=True, n_batch=_N_BATCH, n_ubatch=_N_BATCH)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Record; what was recorded before an interrupt is kept.

    Raises:
        OffloadError: of the options, the model or the generation.
    """
    from offload.routing.trace_file import TraceWriter

    text = read_text(args.file, "text") if args.file is not None else ""
    prompts = [*args.prompt, *_lines(args.prompts)]
    if not text and not prompts:
        raise UsageError("There is nothing to trace.", hint="Give a text with -f, or prompts with -p or --prompts.")
    params = generation_params(args)
    counted = _Counted()
    with (
        Interrupt() as interrupt,
        open_shown(args, terminal, interrupt) as engine,
        TraceWriter(Path(args.output), engine.trace_header(inputs=args.inputs)) as writer,
        engine.record_routes(counted.then(writer), inputs=args.inputs),
    ):
        _compute_text(text, engine, interrupt, terminal)
        _answer_prompts(prompts, params, args.raw, engine, interrupt, terminal)
    terminal.clear_progress()
    terminal.say(f"{args.output}: {counted.n_tokens} tokens, {counted.n_sequences} sequences.")
    return EXIT_INTERRUPTED if interrupt.requested else 0


class _Counted:
    """Counts what is handed on."""

    def __init__(self) -> None:
        self.n_tokens = self.n_sequences = 0

    def then(self, writer: "TraceWriter") -> "Callable[[RouteStep], None]":
        """Return a sink that counts and writes."""

        def take(step: "RouteStep") -> None:
            self.n_tokens += len(step.tokens)
            self.n_sequences = step.sequence + 1
            writer.write(step)

        return take


def _lines(path: str | None) -> list[str]:
    return [line for line in read_text(path, "prompts").splitlines() if line.strip()] if path is not None else []


def _compute_text(text: str, engine: "Engine", interrupt: Interrupt, terminal: Terminal) -> None:
    if not text:
        return
    interrupt.on_request(engine.stop)
    for done, total in engine.compute(text):
        terminal.progress("tracing", done / total)
        if interrupt.requested:
            break
    interrupt.on_request(None)


def _answer_prompts(
    prompts: Sequence[str],
    params: GenerationParams,
    raw: bool,
    engine: "Engine",
    interrupt: Interrupt,
    terminal: Terminal,
) -> None:
    for number, prompt in enumerate(prompts):
        terminal.progress("tracing", number / len(prompts))
        for _ in stoppable(interrupt, engine, functools.partial(_answer, prompt, params, raw, engine)):
            pass
        if interrupt.requested:
            return
        engine.forget()


def _answer(prompt: str, params: GenerationParams, raw: bool, engine: "Engine") -> Iterator[Token]:
    if raw or engine.chat_template is None:
        return engine.complete(prompt, params)
    return engine.chat([Message(Role.USER, prompt)], params)
