"""`offload bench`: how fast a model runs here, and how fast it could."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from offload.benchmark import Report, Run, difference, prompt_of, summarise
from offload.bytesize import format_bytes
from offload.cli.generate import stoppable
from offload.cli.interrupt import Interrupt
from offload.cli.opening import open_shown
from offload.cli.options import add_engine, integer
from offload.cli.terminal import Terminal
from offload.config import GenerationParams, Token
from offload.diagnosis import disk_bytes_per_second
from offload.errors import CancelledError
from offload.protocol_json import to_json
from offload.served import ServedEngine
from offload.stats import PagingUse

_DESCRIPTION = """Compute prompts and decode greedily, the end of the text ignored, and report tokens a second, the
hit rate, bytes and stall per token, and the bound of this machine at that hit rate."""
_WARM_UP_WORDS = 32


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "bench", help="measure a model on this machine", description=_DESCRIPTION, allow_abbrev=False
    )  # fmt: skip
    parser.add_argument("--n-prompt", type=integer(1), default=256, metavar="N", help="prompt tokens, about")
    parser.add_argument("-n", "--predict", "--n-predict", dest="n_predict", type=integer(2), default=64, metavar="N")
    parser.add_argument("--repeat", type=integer(1, 1000), default=3, metavar="N", help="runs")
    parser.add_argument("--json", action="store_true", help="one JSON object: model, report, runs")
    add_engine(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Measure.

    Raises:
        CancelledError: it was interrupted.
        OffloadError: of the options, the model or the generation.
    """
    with Interrupt() as interrupt, open_shown(args, terminal, interrupt) as engine:
        runs = []
        n_words = words_for(args.n_prompt, engine, interrupt)
        for number in range(args.repeat):
            terminal.progress("measuring", number / args.repeat)
            runs.append(measure(engine, interrupt, prompt_of(n_words, number + 1), args.n_predict))
        with engine.judged_routes() as judged:  # in a run of its own: recording takes time
            measure(engine, interrupt, prompt_of(n_words, args.repeat + 1), args.n_predict)
        terminal.clear_progress()
        report = summarise(
            runs,
            probed_bytes_per_second=disk_bytes_per_second(engine.path),
            best_hit_rate=judged.best_hit_rate() if judged is not None else None,
        )
        _show(args, terminal, engine, report, runs)
    return 0


def words_for(n_tokens: int, engine: ServedEngine, interrupt: Interrupt) -> int:
    """Return how many words make about `n_tokens` here, measured by a first small run, which also warms up."""
    speed = measure(engine, interrupt, prompt_of(_WARM_UP_WORDS, 0), 2).speed
    tokens_per_word = (speed.n_prompt + speed.n_cached) / _WARM_UP_WORDS or 1.0
    return max(1, round(n_tokens / tokens_per_word))


def measure(engine: ServedEngine, interrupt: Interrupt, prompt: str, n_predict: int) -> Run:
    """Run one prompt; the first token parts prefill from decode.

    Raises:
        CancelledError: it was interrupted.
    """
    params = GenerationParams(n_predict=n_predict, temperature=0.0, ignore_eos=True)
    before = engine.stats().paging
    between: PagingUse | None = None
    for _ in stoppable(interrupt, engine, lambda: _complete(engine, prompt, params)):
        if between is None:
            between = engine.stats().paging
    if interrupt.requested:
        raise CancelledError("The benchmark was interrupted.")
    after = engine.stats()
    between = between or after.paging
    return Run(after.speed, decode=difference(after.paging, between), prefill=difference(between, before))


def report_lines(report: Report) -> list[str]:
    """Return the report for reading."""
    lines = [
        f"prefill    {report.prompt_tokens_per_second:8.2f} tokens/s   ({report.n_prompt} tokens, "
        f"{format_bytes(int(report.prefill_bytes_per_second))}/s read)",
        f"decode     {report.tokens_per_second:8.2f} tokens/s   ({report.n_generated} tokens, {report.n_runs} runs)",
        f"first token  {report.first_token_seconds:6.2f} s",
        f"hit rate     {report.hit_rate:6.1%}   (at best {report.best_hit_rate:.1%})",
        f"per token    {format_bytes(int(report.bytes_per_token))} read, "
        f"{report.stall_seconds_per_token * 1e3:.1f} ms stall, {report.compute_seconds_per_token * 1e3:.1f} ms compute",
    ]
    if report.disk_bytes_per_second:
        lines.append(
            f"disk         {format_bytes(int(report.disk_bytes_per_second))}/s, so "
            f"{report.disk_seconds_per_token * 1e3:.1f} ms per token"
        )
    which = "disk bound at the best hit rate" if report.bound_by_disk else "compute bound, all experts resident"
    lines.append(
        f"bound      {report.bound_tokens_per_second:8.2f} tokens/s   ({which}); reached {report.share_of_bound:.0%}"
    )
    return lines


def _complete(engine: ServedEngine, prompt: str, params: GenerationParams) -> Iterator[Token]:
    return engine.complete(prompt, params)


def _show(args: argparse.Namespace, terminal: Terminal, engine: ServedEngine, report: Report, runs: list[Run]) -> None:
    if not args.json:
        terminal.say(terminal.dim(f"{engine.description}, experts from {engine.store_name}"))
        terminal.write_line("\n".join(report_lines(report)))
        return
    summary = {
        "model": str(engine.path),
        "store": engine.store_name,
        "report": to_json(report),
        "bound_tokens_per_second": report.bound_tokens_per_second,
        "bound_by": "disk at the best hit rate" if report.bound_by_disk else "compute with all experts resident",
        "share_of_bound": report.share_of_bound,
        "runs": to_json(tuple(runs)),
    }
    terminal.write_line(json.dumps(summary))
