"""`offload train-forecaster`: learn from traces which experts a model's tokens will be routed to."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.bytesize import format_bytes
from offload.cli.forecast_table import card_json, card_lines
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.terminal import Terminal
from offload.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from offload.routing.forecaster import Forecaster
    from offload.routing.forecaster_file import State
    from offload.routing.gate_network import Networks
    from offload.routing.path_recall import PathRecall
    from offload.routing.report_card import ForecastFigures
    from offload.routing.route_trace import RouteTrace
    from offload.routing.router_weights import LayerGate
    from offload.routing.token_routes import TokenRoutes
    from offload.routing.trained_forecasters import TrainedForecasters

_MINUTES = 5.0
_MOST_JUDGED = 4096
_MOST_FITTED = 1024
"""Tokens the blend is fitted to: it has settled long before."""
_MOST_NETWORK_BYTES = 64 << 20
_CORRECTED = "learned path"
_UNTRAINED = "gate ahead, untrained"
_WIDTH = 18
_DESCRIPTION = """Train forecasters on routing traces of one model. A tenth of the sequences is kept aside: the table
says what share of their routed experts each forecaster names before a token is computed, and the learned path also once
the layer before is known. Then the blend of all is fitted to them, and judged as it learns. Ctrl-C ends the training
and keeps the best so far."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train-forecaster", help="learn from routing traces which experts a token will need", description=_DESCRIPTION,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("traces", nargs="+", metavar="TRACE", help="a .routes file, or a CSV of route_trace v1")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="what is learnt, FILE.forecast by custom")
    parser.add_argument(
        "-m", "--model", metavar="FILE", help="the GGUF model the traces are of: if they have router inputs, networks "
        "beside its routers are trained too, where these take at most 64 MB",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=_MINUTES, metavar="N",
        help="the longest that training may take (default 5); it ends earlier when it gets no better",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="the recalls as one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Train, write, and report.

    Raises:
        UsageError: the traces do not belong together or to the model, or are too short.
        TraceFileError: one cannot be read.
        OffloadError: the file cannot be written, or of the model's.
    """
    from offload.routing.chosen_steps import ChosenSteps
    from offload.routing.forecaster_training import join_traces, split_tokens, train_path, train_prior
    from offload.routing.open_trace import open_trace
    from offload.routing.trained_forecasters import TrainedForecasters

    if not 0 < args.minutes < float("inf"):
        raise UsageError(f"--minutes {args.minutes:g} is no time to train.", hint="Give a number above 0.")
    start = time.monotonic()
    tokens = join_traces([open_trace(Path(trace), inputs=False) for trace in args.traces])
    split = split_tokens(tokens)
    whole = [open_trace(Path(trace), inputs=args.model is not None) for trace in args.traces]
    gates = _gates(args.model, whole, terminal)
    trains_networks = _are_small(gates, terminal)
    seconds = args.minutes * 60
    if not (tokens.token_ids >= 0).any():
        terminal.say("The traces have no token ids: what is learnt forecasts from paths alone.")
    with Interrupt() as interrupt:
        prior = train_prior(tokens, split.learnt)
        network = train_path(
            tokens, split, prior,
            seconds=seconds / 2 if trains_networks else seconds,
            stop=lambda: interrupt.requested,
            on_progress=lambda fraction: terminal.progress("training", fraction),
        )  # fmt: skip
        networks: Networks = {}
        if trains_networks and not interrupt.requested:
            end = start + seconds
            networks = _networks(
                whole, split.learnt, gates, lambda: time.monotonic() < end and interrupt.go_on(), terminal
            )
        terminal.clear_progress()
        trained = TrainedForecasters(prior, network, networks)
        # Written before it is judged: then the prior goes on learning, from what was kept aside.
        learnt = prior.state()
        trained.save(Path(args.output), tokens.header)
        held = split.held[:_MOST_JUDGED]
        recalls = _recalls(tokens, split.learnt, held, trained)
        card: Sequence[ForecastFigures] = ()
        if not interrupt.requested:
            prior.restore(learnt)
            card, weights = _fit_blend(ChosenSteps(whole, held[:_MOST_FITTED]), trained, gates, interrupt, terminal)
            prior.restore(learnt)
            replace(trained, blend_state=weights).save(Path(args.output), tokens.header)
    n_learnt = len(split.learnt)
    if args.json:
        report = _report(recalls, tokens.header.layers, n_learnt, len(held))
        terminal.write_line(json.dumps({**report, "forecasts": card_json(card)}))
    else:
        terminal.write_line("\n".join(_table(recalls, tokens.header.layers, len(held))))
        if card:
            terminal.write_line("\n".join(["", *card_lines(card)]))
    terminal.say(f"{args.output}: learnt from {n_learnt} tokens.")
    return EXIT_INTERRUPTED if interrupt.requested else 0


def _gates(model: str | None, traces: "Sequence[RouteTrace]", terminal: Terminal) -> "tuple[LayerGate, ...]":
    """Return the model's gates, if one was given and traces have what its routers were given."""
    from offload.model_gates import gates_of_trace

    if model is None:
        return ()
    header = max((trace.header for trace in traces), key=lambda header: header.n_embd)
    gates = gates_of_trace(model, header)
    if header.n_embd:
        return gates
    terminal.say("The traces have no router inputs, nothing is learnt of the routers: record them with --inputs.")
    return ()


def _are_small(gates: "Sequence[LayerGate]", terminal: Terminal) -> bool:
    """Say whether networks for these gates are small enough, on standard error too if they are not."""
    from offload.routing.gate_lessons import networks_bytes

    if not gates:
        return False
    n_bytes = networks_bytes(gates)
    if n_bytes <= _MOST_NETWORK_BYTES:
        return True
    terminal.say(
        f"Networks beside the routers would take {format_bytes(n_bytes)}, more than "
        f"{format_bytes(_MOST_NETWORK_BYTES)}: they are not trained."
    )
    return False


def _networks(
    traces: "Sequence[RouteTrace]",
    learnt: "NDArray[np.int64]",
    gates: "Sequence[LayerGate]",
    go_on: Callable[[], bool],
    terminal: Terminal,
) -> "Networks":
    from offload.routing.chosen_steps import ChosenSteps
    from offload.routing.gate_lessons import train_networks

    def on_progress(fraction: float) -> bool:
        terminal.progress("training gate ahead", fraction)
        return go_on()

    try:
        return train_networks(ChosenSteps(traces, learnt, only_inputs=True), gates, on_progress=on_progress)
    except UsageError as error:
        # The rest of what was learnt is worth as much without them.
        terminal.say(f"Nothing is learnt of the routers. {error}")
        return {}


def _fit_blend(
    held: "RouteTrace",
    trained: "TrainedForecasters",
    gates: "Sequence[LayerGate]",
    interrupt: Interrupt,
    terminal: Terminal,
) -> "tuple[Sequence[ForecastFigures], State]":
    """Return how good forecasts are along `held`, gate ahead without networks beside them, and the blend's weights."""
    from offload.routing.blend import Blend
    from offload.routing.gate_ahead import GateAhead
    from offload.routing.judging import judge_blend

    def on_tokens(n_done: int) -> bool:
        terminal.progress("fitting the blend", n_done / _MOST_FITTED)
        return interrupt.go_on()

    blend = trained.blend(gates)
    figures = list(judge_blend(held, blend, only_decode=False, on_tokens=on_tokens).figures())
    if trained.gate_networks:
        header = held.header
        plain = Blend([GateAhead(gates)], len(header.layers), header.n_expert, header.n_expert_used)
        alone = judge_blend(held, plain, only_decode=False, on_tokens=on_tokens).figures()
        figures += [replace(item, name=_UNTRAINED) for item in alone if item.name == GateAhead.name]
    terminal.clear_progress()
    return figures, blend.state()


def _recalls(
    tokens: "TokenRoutes", learnt: "NDArray[np.int64]", held: "NDArray[np.int64]", trained: "TrainedForecasters"
) -> "list[PathRecall]":
    """Judge what was trained beside what needs no training."""
    from offload.routing.forecaster_training import train_prior
    from offload.routing.path_recall import path_recalls
    from offload.routing.previous_path import PreviousPath

    header = tokens.header
    # Without token ids a prior knows just how often each expert is used.
    nameless = replace(tokens, token_ids=tokens.token_ids * 0 - 1)
    (frequent,) = path_recalls([train_prior(nameless, learnt)], nameless, held)
    learned = trained.learned_path()
    forecasters: list[Forecaster] = [PreviousPath(len(header.layers), header.n_expert)]
    # Before the prior, which learns a token's path when the next one begins: both then know as much.
    forecasters += [learned, trained.prior] if learned else [trained.prior]
    return [replace(frequent, name="frequent experts"), *path_recalls(forecasters, tokens, held)]


def _report(recalls: "Sequence[PathRecall]", layers: Sequence[int], n_learnt: int, n_held: int) -> dict[str, Any]:
    def numbers(shares: "NDArray[np.float64]") -> list[float | None]:
        return [None if share != share else share for share in shares.tolist()]

    forecasters = {
        recall.name: {
            "before": numbers(recall.before),
            "after_layer_before": numbers(recall.after),
            "mean_before": _mean(recall.before),
            "mean_after_layer_before": _mean(recall.after),
        }
        for recall in recalls
    }
    return {"layers": list(layers), "n_learnt_tokens": n_learnt, "n_held_tokens": n_held, "recall": forecasters}


def _table(recalls: "Sequence[PathRecall]", layers: Sequence[int], n_held: int) -> list[str]:
    columns = [(recall.name, recall.before) for recall in recalls]
    columns += [("corrected", recall.after) for recall in recalls if recall.name == _CORRECTED]
    head = "layer" + "".join(f"{name:>{_WIDTH}}" for name, _ in columns)
    rows = [
        f"{layer:>5}" + "".join(f"{_percent(shares[index]):>{_WIDTH}}" for _, shares in columns)
        for index, layer in enumerate(layers)
    ]
    means = " mean" + "".join(f"{_percent(_mean(shares)):>{_WIDTH}}" for _, shares in columns)
    return [
        f"Recall of {n_held} tokens kept aside, before a token is computed; corrected: once the layer before is known",
        head, *rows, means,
    ]  # fmt: skip


def _mean(shares: "NDArray[np.float64]") -> float | None:
    known = [share for share in shares.tolist() if share == share]
    return sum(known) / len(known) if known else None


def _percent(share: float | None) -> str:
    return "-" if share is None or share != share else f"{share * 100:.1f}%"
