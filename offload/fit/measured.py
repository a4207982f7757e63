"""`MeasuredRun`: what decoding with a model was really like, kept for the next prediction.

One small file in the user's data folder, of the last runs alone: sizes and speeds, no text, no paths.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

from offload.fit.json_file import JsonFile, as_number
from offload.stats import Stats

LEAST_TOKENS = 32
"""Decoded in a run that tells something."""
MOST_OF_MODEL = 8
MOST_RUNS = 256
VERSION = 1
_MODEL_LETTERS = 24


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One model, opened once: its last answer, and what the pager did meanwhile."""

    model: str
    """The file's fingerprint."""
    machine: str
    budget_bytes: int
    resident_share: float
    n_threads: int
    n_tokens: int
    tokens_per_second: float
    hit_rate: float
    """Of decode; 1.0 where nothing is paged."""
    stall_seconds: float
    """A token waited for reads."""
    ended: int
    """Seconds since 1970."""


def measured_file() -> JsonFile:
    """Return the file that runs are kept in."""
    return JsonFile(Path(platformdirs.user_data_dir("offload", appauthor=False)) / "measured-runs.json")


def keep_run(run: MeasuredRun, file: JsonFile) -> bool:
    """Keep a run, in place of the oldest of its model where there are many; return whether that was possible.

    One of fewer than `LEAST_TOKENS` tokens is not kept. Never raises.
    """
    if run.n_tokens < LEAST_TOKENS or run.tokens_per_second <= 0:
        return False
    runs = [*_all_runs(file), run]
    of_model = [other for other in runs if other.model[:_MODEL_LETTERS] == run.model[:_MODEL_LETTERS]]
    dropped = {id(other) for other in of_model[:-MOST_OF_MODEL]}
    left = [other for other in runs if id(other) not in dropped][-MOST_RUNS:]
    return file.write({"version": VERSION, "runs": [asdict(other) for other in left]})


def runs_of(model: str, machine: str, file: JsonFile) -> Sequence[MeasuredRun]:
    """Return the runs of a model (by fingerprint) on a machine, the last one last."""
    return [run for run in _all_runs(file) if run.model == model and run.machine == machine]


def _all_runs(file: JsonFile) -> list[MeasuredRun]:
    found = file.read()
    rows = found.get("runs")
    if found.get("version") != VERSION or not isinstance(rows, list):
        return []
    runs = (_run(row) for row in rows[:MOST_RUNS])
    return [run for run in runs if run is not None]


def _run(row: object) -> MeasuredRun | None:
    """Return a run as it was kept; None where a field is missing or makes no sense."""
    if not isinstance(row, dict) or row.keys() != {field.name for field in fields(MeasuredRun)}:
        return None
    texts = row["model"], row["machine"]
    counts = [as_number(row[name]) for name in ("budget_bytes", "n_threads", "n_tokens", "tokens_per_second", "ended")]
    shares = [row[name] for name in ("resident_share", "hit_rate", "stall_seconds")]
    are_shares = all(isinstance(share, int | float) and 0 <= share <= 1e6 for share in shares)
    if None in counts or not are_shares or not all(isinstance(text, str) for text in texts):
        return None
    if row["resident_share"] > 1 or row["hit_rate"] > 1:
        return None
    return MeasuredRun(**row)


def run_of(
    stats: Stats,
    model: str,
    machine: str,
    *,
    resident_share: float,
    accesses_per_token: int,
    n_threads: int,
    now: float,
) -> MeasuredRun:
    """Return what `stats` say of a run; `accesses_per_token` are the experts a token is routed to, in all layers."""
    paging = stats.paging
    accesses = paging.hits + paging.misses
    return MeasuredRun(
        model=model,
        machine=machine,
        budget_bytes=stats.memory.budget_bytes,
        resident_share=resident_share,
        n_threads=n_threads,
        n_tokens=stats.speed.n_generated,
        tokens_per_second=stats.speed.tokens_per_second,
        hit_rate=paging.hit_rate,
        stall_seconds=paging.stall_seconds * accesses_per_token / accesses if accesses else 0.0,
        ended=int(now),
    )
