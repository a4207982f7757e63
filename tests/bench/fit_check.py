"""Predict and measure side by side: `PYTHONPATH=tests python -m bench.fit_check --model FILE`.

For every budget, in fresh processes one after the other: `offload fit --probe`, then `offload bench`, and the error
of the prediction. What the runs teach stays in a folder of its own, so that the first budget is predicted by published
curves and the others by what was learnt; `--folder` keeps it for the next time. What others compute meanwhile changes
either: their share of the cores is shown, and with `--wait` each step begins where they have next to none. With
`--curve` it prints the curve of a recorded trace as `offload/fit/published_curves.py` holds it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from offload.bytesize import format_bytes, parse_memory
from offload.errors import OffloadError
from offload.fit.hit_curve import curve_of_routes
from offload.fit.measuring import Uses, others_share
from offload.gguf_header import read_gguf_header
from offload.routing.open_trace import open_trace
from offload.routing.token_routes import gather_routes

_QUIET = 0.1
"""Of the cores that others may have where a quiet machine is waited for."""
_LOOK_SECONDS = 1.0
_WITHIN = 0.25
"""How far off a prediction may be."""


@dataclass(frozen=True, slots=True)
class Check:
    """One budget, predicted and measured."""

    budget_bytes: int
    predicted: Mapping[str, Any]
    measured: Mapping[str, Any]
    source: str
    n_runs_known: int
    others: tuple[float, float]
    """Their share of the cores while it was predicted, and while it was measured."""

    @property
    def error(self) -> float:
        """Return by what share of the measured speed the prediction is off; below 0: too low."""
        measured: float = self.measured["tokens_per_second"]
        return float(self.predicted["tokens_per_second"]["middle"]) / measured - 1

    def lines(self) -> list[str]:
        """Return the check for a person."""
        speed, found = self.predicted["tokens_per_second"], self.measured
        seen, computed = found["tokens_per_second"], 1e3 * found["compute_seconds_per_token"]
        is_inside = speed["low"] <= seen <= speed["high"]
        verdict = "PASS" if abs(self.error) <= _WITHIN else "MISS"
        before, after = self.others
        return [
            f"{verdict}  {format_bytes(self.budget_bytes):>10}  predicted {speed['middle']:.1f} tokens/s "
            f"({speed['low']:.1f} to {speed['high']:.1f}), measured {seen:.1f}: {self.error:+.0%}, "
            f"{'inside' if is_inside else 'outside'} the range",
            f"      hit rate {self.predicted['hit_rate']['middle']:.3f}, measured {found['hit_rate']:.3f}; "
            f"compute {1e3 * self.predicted['compute_seconds']:.1f} ms, {computed:.1f}; "
            f"stall {1e3 * self.predicted['stall_seconds']:.1f} ms, {1e3 * found['stall_seconds_per_token']:.1f}",
            f"      by {self.source or 'no curve'}, {self.n_runs_known} runs known; "
            f"others had {before:.0%} of the cores while probing, {after:.0%} while measuring",
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, and print a line for each budget; 1 where a command failed."""
    options = _parser().parse_args(arguments)
    if options.curve is not None:
        return _print_curve(options.curve)
    with tempfile.TemporaryDirectory(prefix="fit-check-") as temporary:
        folder = options.folder or Path(temporary)
        try:
            n_bytes = read_gguf_header(options.model).total_bytes
            for text in options.budgets:
                check = _check(options, parse_memory(text, n_bytes), folder)
                print(*check.lines(), sep="\n", flush=True)
        except (OffloadError, subprocess.CalledProcessError) as error:
            print(f"fit_check: {error}", file=sys.stderr)
            return 1
    return 0


def _check(options: argparse.Namespace, budget_bytes: int, folder: Path) -> Check:
    engine = ["--model", str(options.model), "--memory", str(budget_bytes), "--ctx-size", str(options.ctx)]
    card, before = _answer(["fit", "--probe", "--json", *engine], folder, options.wait)
    lengths = ["-n", str(options.tokens), "--n-prompt", str(options.prompt), "--repeat", str(options.runs)]
    answer, after = _answer(["bench", "--json", *lengths, *engine], folder, options.wait)
    return Check(
        budget_bytes,
        card["prediction"],
        answer["report"],
        card["hit_rate_source"],
        card["calibration"]["n_runs"],
        (before, after),
    )


def _answer(arguments: Sequence[str], folder: Path, wait_seconds: float) -> tuple[Any, float]:
    """Return the JSON a command answers with, its own files kept in `folder`, and the share of others meanwhile."""
    kept = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    started = time.monotonic()
    while _others_share(lambda: time.sleep(_LOOK_SECONDS)) > _QUIET and time.monotonic() - started < wait_seconds:
        pass
    output: list[bytes] = []
    command = [sys.executable, "-m", "offload", *arguments]
    share = _others_share(
        lambda: output.append(
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=os.environ | kept, check=True
            ).stdout
        )
    )
    return json.loads(output[0]), share


def _others_share(work: Callable[[], object]) -> float:
    """Return the share of the cores that others had during `work`."""
    before = _uses()
    work()
    return others_share(before, _uses(), psutil.cpu_count() or 1)


def _uses() -> Uses:
    """Return what all processes used so far, and this one with its ended children."""
    of_all, own = psutil.cpu_times(), os.times()
    busy = of_all.user + of_all.system + getattr(of_all, "nice", 0.0)
    return Uses(time.monotonic(), busy, own.user + own.system + own.children_user + own.children_system)


def _print_curve(trace: Path) -> int:
    tokens = gather_routes(open_trace(trace, inputs=False))
    curve = curve_of_routes(tokens.routes, tokens.header.n_expert, trace.name)
    print(f"{tokens.header.n_expert_used} of {tokens.header.n_expert} experts, {tokens.n_tokens} tokens")
    for share, rate in zip(curve.shares, curve.rates, strict=True):
        print(f"({share}, Estimate({rate.low:.3f}, {rate.middle:.3f}, {rate.high:.3f})),")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.fit_check", description=__doc__)
    parser.add_argument("--model", type=Path, help="a GGUF")
    parser.add_argument("--budgets", nargs="+", default=["25%", "50%", "75%"], help="sizes, or shares of the weights")
    parser.add_argument("--prompt", type=int, default=64, metavar="N", help="tokens, about, default %(default)s")
    parser.add_argument("--runs", type=int, default=2, metavar="N", help="answers, default %(default)s")
    parser.add_argument("--tokens", type=int, default=64, metavar="N", help="decoded, default %(default)s")
    parser.add_argument("--ctx", type=int, default=1024, metavar="N", help="context, default %(default)s")
    parser.add_argument("--wait", type=float, default=0, metavar="S", help="for a quiet machine, at most, each time")
    parser.add_argument("--folder", type=Path, help="where what was learnt is kept; without it nowhere")
    parser.add_argument("--curve", type=Path, metavar="TRACE", help="print the curve of a trace, and do nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
