"""`offload replay`: what caches of several sizes and policies make of a trace."""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.bytesize import format_bytes
from offload.cli.forecast_table import card_json, card_lines
from offload.cli.terminal import Terminal
from offload.errors import UsageError

if TYPE_CHECKING:
    from offload.routing.replay import PolicyFigures
    from offload.routing.report_card import ForecastFigures
    from offload.routing.route_trace import TraceHeader
    from offload.routing.token_routes import TokenRoutes

_SHARES = ("12.5%", "25%")
_POLICY = "similar-paths"


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "replay",
        help="replay a routing trace through caches of experts",
        description="Say what hit rate a policy of eviction has on a trace, and what it reads for each token, beside "
        "least recently used (LRU) and the best that is possible (Belady). With --forecaster or -m also say which "
        "share of the routed experts forecasts name, by how many layers ahead. Prompts warm the caches, decoded tokens "
        "count.",
        allow_abbrev=False,
    )
    parser.add_argument("trace", metavar="TRACE", help="a .routes file, or a CSV of route_trace v1")
    parser.add_argument(
        "--slots", action="append", metavar="N|P%", help=f"of each layer; may be given several times "
        f"(without it {' and '.join(_SHARES).replace('%', '%%')} of the experts)",
    )  # fmt: skip
    parser.add_argument(
        "--policy", action="append", metavar="NAME", help="lru, decayed-frequency or similar-paths (the default); may "
        "be given several times",
    )  # fmt: skip
    parser.add_argument("--forecaster", metavar="FILE", help="judge forecasts: those of a .forecast file")
    parser.add_argument(
        "-m", "--model", metavar="FILE", help="judge forecasts: those of the routers of this GGUF model as well, on a "
        "trace with router inputs",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object, forecasts by layer too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Replay.

    Raises:
        TraceFileError: it is no trace that can be read.
        ForecasterFileError: the forecasters cannot be read, or are of another model.
        UsageError: no such policy, slots that the model cannot have, or a trace of another model.
        OffloadError: of the model's file.
    """
    from offload.routing.open_trace import open_trace
    from offload.routing.replay import POLICIES, gather_weights, replay
    from offload.routing.token_routes import gather_routes

    policies = tuple(dict.fromkeys(args.policy or (_POLICY,)))
    for policy in policies:
        if policy not in POLICIES:
            raise UsageError(f"There is no policy {policy[:40]!r}.", hint=f"Choose of {', '.join(POLICIES)}.")
    trace = open_trace(Path(args.trace), inputs=False)
    slots = _slots(args.slots, trace.header)
    tokens = gather_routes(trace)
    card = _judge_forecasts(args, tokens, terminal)
    figures = replay(tokens, slots, policies, gather_weights(trace))
    n_decode = int(tokens.is_decode.sum())
    if args.json:
        report = {
            "model": trace.header.model_name,
            "n_expert": trace.header.n_expert,
            "n_expert_used": trace.header.n_expert_used,
            "n_prefill_tokens": tokens.n_tokens - n_decode,
            "n_decode_tokens": n_decode,
            "figures": [{**asdict(item), "hit_rate": item.hit_rate} for item in figures],
        }
        if card is not None:
            report["forecasts"] = card_json(card)
        terminal.write_line(json.dumps(report))
    else:
        counted = f"{n_decode} decoded tokens count" if n_decode else f"none was decoded, all {tokens.n_tokens} count"
        terminal.write_line(
            f"{trace.header.model_name or 'unnamed model'}: {len(trace.header.layers)} layers, "
            f"{trace.header.n_expert_used} of {trace.header.n_expert} experts; {counted}"
        )
        terminal.write_line("\n".join(_lines(figures, trace.header.n_expert)))
        if card is not None:
            terminal.write_line("\n".join(["", *card_lines(card)]))
    return 0


def _judge_forecasts(
    args: argparse.Namespace, tokens: "TokenRoutes", terminal: Terminal
) -> "Sequence[ForecastFigures] | None":
    """Return how good the forecasts are that were asked for; None: none were."""
    from offload.model_gates import gates_of_trace
    from offload.routing.judging import judge_blend
    from offload.routing.open_trace import open_trace
    from offload.routing.token_prior import TokenPrior
    from offload.routing.trained_forecasters import TrainedForecasters, load_forecasters

    if args.forecaster is None and args.model is None:
        return None
    trace = open_trace(Path(args.trace), inputs=args.model is not None)
    header = trace.header
    if args.model is not None and not header.n_embd:
        raise UsageError("The trace has no router inputs.", hint="Record it with --inputs, or leave -m away.")
    gates = () if args.model is None else gates_of_trace(args.model, header)
    if args.forecaster is None:
        trained = TrainedForecasters(TokenPrior(len(header.layers), header.n_expert, header.n_expert_used))
    else:
        trained = load_forecasters(Path(args.forecaster), header)

    def on_tokens(n_done: int) -> bool:
        terminal.progress("forecasting", n_done / tokens.n_tokens)
        return True

    # A trace of texts has no decoded tokens: then all count, as they do for the caches.
    card = judge_blend(trace, trained.blend(gates), only_decode=bool(tokens.is_decode.any()), on_tokens=on_tokens)
    terminal.clear_progress()
    return card.figures()


def _slots(texts: Sequence[str] | None, header: "TraceHeader") -> tuple[int, ...]:
    """Return the sizes asked for, ascending; of the default ones, those too small are made just large enough.

    Raises:
        UsageError: one is no size, or too small or too large for the model.
    """
    least, most = header.n_expert_used, header.n_expert
    if texts is None:
        return tuple(sorted({max(least, _count(text, most)) for text in _SHARES}))
    counts = {text: _count(text, most) for text in texts}
    for text, n_slots in counts.items():
        if not least <= n_slots <= most:
            meant = f"{text} of {most} experts is {n_slots} slots" if text.endswith("%") else f"{n_slots} slots"
            raise UsageError(
                f"{meant} a layer; a token of this model needs {least}, and a layer has {most} experts.",
                hint=f"Give --slots {least} to {most}, or a share as in 25%.",
                slots=n_slots, least=least, most=most,
            )  # fmt: skip
    return tuple(sorted(set(counts.values())))


def _count(text: str, n_expert: int) -> int:
    share = text.endswith("%")
    digits = text.removesuffix("%")
    if not (digits.isascii() and digits.replace(".", "", 1 if share else 0).isdigit() and len(digits) < 10):
        raise UsageError(
            f"--slots {text[:40]!r} is no number of slots.", hint="Give one as in 16, or a share as in 25%."
        )
    return math.floor(Fraction(digits) * n_expert / 100) if share else int(digits)


def _lines(figures: "Sequence[PolicyFigures]", n_expert: int) -> list[str]:
    lines = [
        f"{'slots':>5}{'share':>8}  {'policy':<20}{'hit rate':>9}{'read a token':>14}{'gap closed':>12}{'tokens/s':>11}"
    ]
    for item in figures:
        gap = "-" if item.gap_closed is None else f"{item.gap_closed * 100:.1f}%"
        lines.append(
            f"{item.slots:>5}{item.slots / n_expert * 100:>7.1f}%  {item.policy:<20}{item.hit_rate * 100:>8.1f}%"
            f"{format_bytes(round(item.bytes_per_token)):>14}{gap:>12}{item.tokens_per_second:>11.0f}"
        )
    return lines
