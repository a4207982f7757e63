"""How well the routing of a model is forecast: records traces of it, trains on them, judges on others, names targets.

    PYTHONPATH=tests python -m bench.forecast_report --help

Everything is done by the commands of `offload`, one process each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.report import Spread, Verdict
from offload.cli.forecast_table import BLEND, card_lines
from offload.demo_model import demo_model_path
from offload.routing.report_card import BEFORE, ForecastFigures, margins

GATE_AHEAD, LEARNED_PATH = "gate ahead", "learned path"
_FIRST_FORECAST_LAYER = 2
"""The second layer's index is 1: forecasts from it on are of this layer and later ones."""
_LEAST_GAIN = 0.01
"""Points of recall that are better, not as good."""
_SEED = 20


def verdicts(figures: Sequence[ForecastFigures]) -> list[Verdict]:
    """Return what a report card shows of each target; nothing of forecasters that are not on it."""
    by_place = {(item.name, item.lead): item for item in figures}
    found = []
    gate = by_place.get((GATE_AHEAD, 1))
    if gate is not None:
        shares = [share for share in gate.recall_by_layer[_FIRST_FORECAST_LAYER:] if share is not None]
        if shares:
            found.append(_verdict("gate ahead, one layer, from the second layer on", shares, 88.0))
    path = by_place.get((LEARNED_PATH, BEFORE))
    if path is not None:
        shares = [share for share in path.recall_by_layer if share is not None]
        found.append(_verdict("learned path, before compute", shares, 70.0))
    above = [margin.above for margin in margins(figures, BLEND)]
    if above:
        found.append(_verdict("blend above its best part, every layer and lead", above, _LEAST_GAIN, judged=min(above)))
    errors = [item.calibration_error for item in figures if item.name == BLEND and item.calibration_error is not None]
    if errors:
        found.append(_verdict("calibration error of the blend, every lead", errors, 5.0, judged=max(errors), most=True))
    return found


def _verdict(
    claim: str, shares: Sequence[float], target: float, *, judged: float | None = None, most: bool = False
) -> Verdict:
    """Hold the mean of `shares` against `target` percent, or `judged`."""
    mean = sum(shares) / len(shares)
    spread = Spread(mean * 100, min(shares) * 100, max(shares) * 100)
    return Verdict(claim, spread, target, not most, "%", 100 * (mean if judged is None else judged))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 where a command failed, whatever the recall."""
    args = _parser().parse_args(argv)
    model = str(args.model or demo_model_path())
    with tempfile.TemporaryDirectory(prefix="forecast-") as scratch:
        folder = Path(args.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        state, held = folder / "model.forecast", folder / "held.routes"
        learnt, text = folder / "learnt.routes", folder / "text.routes"
        try:
            written = text.with_suffix(".txt")
            written.write_text(_corpus("-n", str(args.train_documents), "--seed", str(_SEED)), encoding="utf-8")
            _offload("trace", "-m", model, "-f", str(written), "-o", str(text), "--inputs")
            for trace, n_prompts, options in (
                (learnt, args.train_prompts, ("--seed", str(_SEED))),
                (held, args.held_prompts, ("--held-out",)),
            ):
                prompts = trace.with_suffix(".txt")
                prompts.write_text(_prompts(n_prompts, *options), encoding="utf-8")
                temperature = "0" if trace == held else "0.8"
                _offload(
                    *("trace", "-m", model, "--prompts", str(prompts), "-o", str(trace), "--inputs"),
                    *("-n", str(args.tokens), "--temp", temperature, "--seed", str(_SEED)),
                )
            minutes = f"{args.minutes:g}"
            learning = ("train-forecaster", str(learnt), str(text), "-m", model, "-o", str(state))
            print(_offload(*learning, "--minutes", minutes))
            report = _offload("replay", str(held), "--forecaster", str(state), "-m", model, "--json")
        except subprocess.CalledProcessError as error:
            print(f"this failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
            return 1
        figures = [_figures(item) for item in json.loads(report)["forecasts"]]
    print("\n".join(["", f"{Path(model).name}, {args.held_prompts} held-out prompts", *card_lines(figures), ""]))
    print("\n".join(verdict.line for verdict in verdicts(figures)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.forecast_report", description=__doc__)
    parser.add_argument("--model", metavar="FILE", help="a GGUF model; without it the bundled demo model")
    parser.add_argument("--train-prompts", type=int, default=400, metavar="N", help="answers to learn from")
    parser.add_argument("--train-documents", type=int, default=2500, metavar="N", help="texts to learn from, read only")
    parser.add_argument("--held-prompts", type=int, default=100, metavar="N", help="other answers to judge on")
    parser.add_argument("--tokens", type=int, default=120, metavar="N", help="the longest an answer may be")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="the longest that training may take")
    parser.add_argument("--folder", metavar="FOLDER", help="keep traces and forecasters there")
    return parser


def _prompts(n: int, *options: str) -> str:
    return _corpus("--prompts", "-n", str(n), *options)


def _corpus(*options: str) -> str:
    return _run(sys.executable, "-m", "models.demo.corpus", *options)


def _offload(*argv: str) -> str:
    return _run(sys.executable, "-m", "offload", *argv)


def _run(*command: str) -> str:
    """Run from the root of the project; standard error is the caller's, standard output is returned."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def _figures(item: dict[str, object]) -> ForecastFigures:
    """Return figures of what `offload replay --json` says of them."""
    return ForecastFigures(**{**item, "recall_by_layer": tuple(item["recall_by_layer"])})  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
