"""Decode with forecasts and without, side by side, on a model whose routes are those of a recorded trace.

    PYTHONPATH=tests python -m bench.forecast_decode --model FILE --trace FILE --slots 25% 37.5% --runs 5

A synthetic model's own routers choose nearly at random, which nothing forecasts. So the routed ids of every token are
replaced by those of the trace, layer by layer, before the experts are brought into memory: paging, reading and
computing are real, the routes are a real model's. What the replaced ids cannot give is a router's input that leads to
them, so gate ahead cannot run here: with `--gate-recall R` a stand-in takes its place, which knows the trace and spoils
what it tells until its recall one layer ahead is R. Every run is a process of its own; the contenders take turns.

The bound is a token that reads nothing but Belady's misses, and computes meanwhile: the longer of the two.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offload.bytesize import format_bytes
from offload.cli.main import SWITCH_SECONDS
from offload.config import EngineConfig, StoreChoice
from offload.engine_parts import OpenedModel, prepare
from offload.routing.open_trace import open_trace
from offload.routing.reuse import belady_hits
from offload.routing.token_routes import TokenRoutes, gather_routes

_TESTS = Path(__file__).resolve().parent.parent
_WARMING_SHARE = 0.25
"""Of the trace's tokens, at its beginning, that are not timed."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one process measured, per token of the timed ones."""

    seconds: float
    compute_seconds: float
    stall_seconds: float
    n_bytes: float
    hit_rate: float
    belady_hit_rate: float
    bound_seconds: float
    gain: float | None
    useful_bytes: int
    late_bytes: int
    wasted_bytes: int
    checksum: str


class ReplacedRoutes:
    """Observes routes first, and writes the trace's over them: what is observed is the graph's own memory."""

    reads_gates = False

    def __init__(self, routes: NDArray[np.int16], layers: Sequence[int]) -> None:
        """Replace by `routes` [n_layer, n_tokens, n_expert_used], for the model's `layers` in order."""
        self.at = 0
        self._routes = routes
        self._index = {layer: index for index, layer in enumerate(layers)}

    def routed(self, layer: int, experts: NDArray[np.int32], weights: object, inputs: object) -> None:
        experts[0] = self._routes[self._index[layer], self.at]


class SpoiltTrace:
    """Stands in for gate ahead: the true routes of the trace under as much noise as leaves the recall asked for."""

    name = "gate ahead (stand-in)"
    gives_probabilities = False

    def __init__(self, replaced: ReplacedRoutes, routes: NDArray[np.int16], n_expert: int, recall: float) -> None:
        self._replaced, self._routes, self._n_expert = replaced, routes, n_expert
        self._random = np.random.default_rng(0)
        self._last = -1
        self._noise = _noise_for(recall, n_expert, routes.shape[2])

    def begin(self, token: int) -> None:
        self._last = -1

    def routed(self, layer: int, experts: object, weights: object, inputs: object) -> None:
        self._last = layer

    def scores(self, layer: int) -> NDArray[np.float32] | None:
        if self._last < 0:
            return None
        scores = np.zeros(self._n_expert, np.float32)
        scores[self._routes[layer, self._replaced.at]] = 1.0
        noise = self._noise * (layer - self._last) ** 0.5
        return np.asarray(scores + noise * self._random.standard_normal(self._n_expert).astype(np.float32))

    def forget(self) -> None:
        self._last = -1


def _noise_for(recall: float, n_expert: int, n_expert_used: int) -> float:
    """Return the spread of noise under which so many of the true experts stay among the highest scores."""
    random = np.random.default_rng(1)
    draws = random.standard_normal((400, n_expert))
    low, high = 0.0, 4.0
    for _ in range(20):
        noise = (low + high) / 2
        scores = draws * noise
        scores[:, :n_expert_used] += 1.0
        named = np.argpartition(scores, n_expert - n_expert_used, axis=1)[:, n_expert - n_expert_used :]
        low, high = (noise, high) if (named < n_expert_used).mean() > recall else (low, noise)
    return low


def routes_for(trace: TokenRoutes, n_layer: int, n_expert: int, n_expert_used: int) -> NDArray[np.int16]:
    """Return the trace's routes for a model's first layers.

    Raises:
        ValueError: the shapes do not agree.
    """
    header = trace.header
    if header.n_expert != n_expert or header.n_expert_used != n_expert_used or len(header.layers) < n_layer:
        raise ValueError(
            f"the trace has {len(header.layers)} layers and routes {header.n_expert_used} of {header.n_expert}, "
            f"the model {n_layer} and {n_expert_used} of {n_expert}"
        )
    known = (trace.routes[:n_layer] >= 0).all(axis=(0, 2))
    return np.ascontiguousarray(trace.routes[:n_layer, known])


def decode(model: Path, trace_path: Path, share: float, forecast: bool, gate_recall: float, store: str) -> Decoded:
    """Decode the tokens of a trace in this process, with `share` of the experts of every layer in slots."""
    config = EngineConfig(memory="90%", n_ctx=512, store=StoreChoice(store), forecast=forecast)
    whole = prepare(model, config)
    experts = sum(layout.n_expert * layout.expert_bytes for layout in whole.needs.layers.values())
    # A little more than the slots take; what forecasts take comes on top, so that both contenders have as many.
    prepared = prepare(model, replace(config, memory=whole.needs.fixed_bytes + round((share + 0.1) * experts)))
    assert prepared.store is not None, "a model with experts"
    header = prepared.header
    layers = list(prepared.store.layers)
    n_expert = prepared.plan.n_expert
    routes = routes_for(gather_routes(open_trace(trace_path)), len(layers), n_expert, header.n_expert_used)
    n_slots = max(header.n_expert_used, round(share * n_expert))
    replaced = ReplacedRoutes(routes, layers)
    opened = OpenedModel(prepared, config, cancelled=lambda: False, on_progress=None)
    try:
        paged = opened.paged
        assert paged is not None
        paged.resize(dict.fromkeys(layers, n_slots), None)
        paged.weights.observers.insert(0, replaced)
        if opened.forecast is not None:
            opened.forecast.keeping.set_slots(dict.fromkeys(layers, n_slots))
            if gate_recall:
                opened.forecast.detach()
                stand_in = SpoiltTrace(replaced, routes, n_expert, gate_recall)
                opened.forecast.attach(paged, opened.context, [stand_in])
        n_tokens = routes.shape[1]
        n_warming = int(_WARMING_SHARE * n_tokens)
        seconds: list[float] = []
        checksum = hashlib.sha256()
        for token in range(n_tokens):
            if token == n_warming:
                before, computed = paged.pager.counts(), paged.weights.compute_seconds
            replaced.at = token
            start = time.perf_counter()
            opened.context.decode([token % 200], position=token)
            seconds.append(time.perf_counter() - start)
            checksum.update(opened.context.logits().tobytes())
        after, n_timed = paged.pager.counts(), n_tokens - n_warming
        timed = np.arange(n_tokens) >= n_warming
        belady = belady_hits(routes, timed, n_expert, (n_slots,)).sum() / (n_timed * routes.shape[2] * len(layers))
        read, read_seconds = after.bytes_read, after.read_seconds
        expert_bytes = sum(layout.expert_bytes for layout in prepared.store.layers.values()) / len(layers)
        compute = (paged.weights.compute_seconds - computed) / n_timed
        least_bytes = (1 - belady) * routes.shape[2] * len(layers) * expert_bytes
        use = opened.forecast.use() if opened.forecast is not None else None
        accesses = after.hits + after.misses - before.hits - before.misses
        return Decoded(
            seconds=statistics.fmean(seconds[n_warming:]),
            compute_seconds=compute,
            stall_seconds=(after.stall_seconds - before.stall_seconds) / n_timed,
            n_bytes=(after.bytes_read - before.bytes_read) / n_timed,
            hit_rate=(after.hits - before.hits) / accesses,
            belady_hit_rate=float(belady),
            bound_seconds=max(compute, least_bytes / (read / read_seconds)),
            gain=use.gain if use is not None else None,
            useful_bytes=after.prefetch.useful_bytes,
            late_bytes=after.prefetch.late_bytes,
            wasted_bytes=after.prefetch.wasted_bytes,
            checksum=checksum.hexdigest()[:16],
        )
    finally:
        opened.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both contenders in turns and print the ratios; 1 where their logits differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a model of the trace's shape")
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--slots", nargs="+", default=["25%", "37.5%"], help="share of the experts of a layer")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--gate-recall", type=float, default=0.0, help="recall of the stand-in for gate ahead; 0: none")
    parser.add_argument("--store", choices=("auto", "gguf"), default="auto")
    parser.add_argument("--one", choices=("on", "off"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    shares = [float(slots.rstrip("%")) / 100 for slots in options.slots]
    if options.one:
        sys.setswitchinterval(SWITCH_SECONDS)
        one = decode(options.model, options.trace, shares[0], options.one == "on", options.gate_recall, options.store)
        print(json.dumps(asdict(one)))
        return 0
    return max(_compare(options, slots) for slots in options.slots)


def _compare(options: argparse.Namespace, slots: str) -> int:
    runs: dict[str, list[Decoded]] = {"on": [], "off": []}
    for number in range(options.runs):
        for contender in ("on", "off") if number % 2 else ("off", "on"):
            runs[contender].append(_run(options, slots, contender))
    for contender, decoded in runs.items():
        middle = sorted(decoded, key=lambda run: run.seconds)[len(decoded) // 2]
        print(
            f"{slots:>6} forecast {contender:3} {middle.seconds * 1e3:6.1f} ms a token "
            f"(compute {middle.compute_seconds * 1e3:.1f}, stall {middle.stall_seconds * 1e3:.1f}, "
            f"bound {middle.bound_seconds * 1e3:.1f}), hit rate {middle.hit_rate:.1%} "
            f"(Belady {middle.belady_hit_rate:.1%}), {format_bytes(round(middle.n_bytes))} read a token"
        )
        if middle.gain is not None:
            ahead = (middle.useful_bytes, middle.late_bytes, middle.wasted_bytes)
            useful, late, wasted = map(format_bytes, ahead)
            print(f"{slots:>6} read ahead: {useful} useful, {late} late, {wasted} wasted; {middle.gain:.2f}x by itself")
    ratios = [off.seconds / on.seconds for on, off in zip(runs["on"], runs["off"], strict=True)]
    of_bound = statistics.median(run.bound_seconds / run.seconds for run in runs["on"])
    print(
        f"{slots:>6} on against off {statistics.median(ratios):.2f}x ({min(ratios):.2f}..{max(ratios):.2f}), "
        f"{of_bound:.2f} of the bound"
    )
    checksums = {run.checksum for of in runs.values() for run in of}
    if len(checksums) > 1:
        print(f"{slots:>6} THE LOGITS DIFFER: {', '.join(sorted(checksums))}")
    return int(len(checksums) > 1)


def _run(options: argparse.Namespace, slots: str, contender: str) -> Decoded:
    command = [sys.executable, "-m", "bench.forecast_decode", "--model", str(options.model.absolute())]
    command += ["--trace", str(options.trace.resolve()), "--slots", slots, "--one", contender]
    command += ["--gate-recall", str(options.gate_recall), "--store", options.store]
    with tempfile.TemporaryDirectory() as empty:  # nothing learnt before
        environment = {**os.environ, "XDG_DATA_HOME": empty, "PYTHONPATH": str(_TESTS)}
        done = subprocess.run(command, cwd=_TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip() or f"the run ended with {done.returncode}")
    return Decoded(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    sys.exit(main())
