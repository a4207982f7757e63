"""The arithmetic of the side-by-side benchmark: medians, ratios against their targets, and who answered differently."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.contenders import Contender, Layout, Run

Metric = Callable[[Run], float | None]

OPEN_TARGET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the range of what it is the median of."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise `values`, at least one."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing the benchmark is to show: what was found, and what was asked for."""

    claim: str
    found: Spread
    target: float
    at_least: bool
    """Whether the target is the least that passes, rather than the most."""
    unit: str
    judged: float
    """The value that is held against the target: the median, or the worst where every run must pass."""

    @property
    def passed(self) -> bool:
        """Return whether the target is reached."""
        return self.judged >= self.target if self.at_least else self.judged <= self.target

    @property
    def line(self) -> str:
        """Return the verdict for reading."""
        shown = f"{self.found.median:.2f} ({self.found.low:.2f}..{self.found.high:.2f}) {self.unit}"
        asked = f"{'>=' if self.at_least else '<='} {self.target:g} {self.unit}"
        return f"{'PASS' if self.passed else 'MISS'}  {self.claim:<58} {shown:>26}   {asked}"


def verdicts(runs: Sequence[Run], budget_bytes: int) -> list[Verdict]:
    """Return what `runs` show, of everything that both sides were measured for."""
    llama_resident = (Contender.LLAMA_INTERLEAVED, Contender.LLAMA_PLAIN_EXPERTS)
    found = [
        _ratio(runs, "decode, GGUF as it is / mmap", Contender.GGUF, [Contender.MMAP], decode_speed, 12),
        _ratio(runs, "decode, packed store / mmap", Contender.PACKED, [Contender.MMAP], decode_speed, 18),
        _ratio(runs, "decode, resident / llama.cpp's best", Contender.RESIDENT, llama_resident, decode_speed, 0.96),
    ]
    for contender, name, same_layout in (
        (Contender.GGUF, "GGUF as it is", [Contender.LLAMA_PLAIN_EXPERTS]),
        (Contender.PACKED, "packed store", [Contender.LLAMA_INTERLEAVED, Contender.RESIDENT]),
    ):
        claims = (
            (f"prefill, {name} / mmap, both warm", [Contender.MMAP], warm_prefill, 0.7),
            (f"prefill, {name}, first / mmap, warm", [Contender.MMAP], first_prefill, 0.7),
            (f"prefill, {name} / resident in its layout, both warm", same_layout, warm_prefill, 1.2),
        )
        found += [
            _ratio(runs, claim, contender, others, metric, target, of_others=warm_prefill, at_least=False)
            for claim, others, metric, target in claims
        ]
        found += [
            _limit(
                f"open to first decoded token beyond prefill, {name}",
                _values(runs, contender, lambda run: run.measurement.open_beyond_prefill_seconds),
                OPEN_TARGET_SECONDS,
                "s",
            ),
            _limit(
                f"peak memory of the process, {name}, every run",
                [value / 2**20 for value in _values(runs, contender, lambda run: run.measurement.peak_bytes)],
                budget_bytes / 2**20,
                "MiB",
                every_run=True,
            ),
        ]
    return [verdict for verdict in found if verdict is not None]


def disagreements(runs: Sequence[Run]) -> list[str]:
    """Return a line for every group of runs that computed the same in the same layout and got different logits."""
    answers: dict[tuple[Layout, str], dict[str, set[Contender]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        layout, measured = run.contender.layout, run.measurement
        answers[layout, "prefill"][measured.prefill_checksum].add(run.contender)
        after = f"{measured.n_decode} decoded tokens"
        answers[layout, after][measured.decode_checksum].add(run.contender)
    return [
        f"layout {layout.value}: the logits after {what} differ: "
        + "; ".join(
            f"{digest} of {', '.join(sorted(contender.value for contender in contenders))}"
            for digest, contenders in by_digest.items()
        )
        for (layout, what), by_digest in answers.items()
        if len(by_digest) > 1
    ]


def table_lines(runs: Sequence[Run]) -> list[str]:
    """Return the table of all figures, a column per contender: median (min..max) of its runs."""
    contenders = [contender for contender in Contender if any(run.contender is contender for run in runs)]
    rows: list[tuple[str, Metric, float, str]] = [
        ("decode, tokens/s", decode_speed, 1, ".2f"),
        ("  first half", lambda run: run.measurement.first_half_tokens_per_second, 1, ".2f"),
        ("  slowest token, s", lambda run: run.measurement.slowest_token_seconds, 1, ".2f"),
        ("prefill, s, first", first_prefill, 1, ".2f"),
        ("  warm", warm_prefill, 1, ".2f"),
        ("open, s", lambda run: run.measurement.open_seconds, 1, ".2f"),
        ("  to first token", lambda run: run.measurement.first_token_seconds, 1, ".2f"),
        ("  beyond prefill", lambda run: run.measurement.open_beyond_prefill_seconds, 1, ".2f"),
        ("start to first token", lambda run: run.start_to_first_token_seconds, 1, ".2f"),
        ("peak, process, MiB", lambda run: run.measurement.peak_bytes, 2**20, ".0f"),
        ("  cgroup, MiB", lambda run: run.group_peak_bytes, 2**20, ".0f"),
        ("hit rate", lambda run: run.measurement.hit_rate, 1, ".3f"),
        ("MiB read per token", lambda run: run.measurement.bytes_per_token, 2**20, ".1f"),
        ("stall per token, ms", lambda run: run.measurement.stall_seconds_per_token, 1e-3, ".1f"),
    ]
    lines = [" " * 21 + "".join(f"  {contender.value:>22}" for contender in contenders)]
    for name, metric, unit, form in rows:
        cells = [_cell([value / unit for value in _values(runs, contender, metric)], form) for contender in contenders]
        lines.append(f"{name:<21}" + "".join(f"  {cell:>22}" for cell in cells))
    return lines


def decode_speed(run: Run) -> float | None:
    """Return tokens a second, where a run decoded more than its first token."""
    return run.measurement.tokens_per_second if run.measurement.n_decode > 1 else None


def first_prefill(run: Run) -> float | None:
    """Return the seconds of the first prefill."""
    return run.measurement.prefill_seconds


def warm_prefill(run: Run) -> float | None:
    """Return the seconds of the second prefill, where there was one."""
    return run.measurement.second_prefill_seconds


def _ratio(
    runs: Sequence[Run],
    claim: str,
    contender: Contender,
    others: Sequence[Contender],
    metric: Metric,
    target: float,
    *,
    of_others: Metric | None = None,
    at_least: bool = True,
) -> Verdict | None:
    """Hold the ratio of two medians against `target`: to the best of `others`; the range is of pairs of one round."""
    metric_of_others = of_others or metric
    measured = {other: values for other in others if (values := _values(runs, other, metric_of_others))}
    own = _values(runs, contender, metric)
    if not own or not measured:
        return None
    best = (max if at_least else min)(measured, key=lambda other: statistics.median(measured[other]))
    ratio = statistics.median(own) / statistics.median(measured[best])
    own_by_round, best_by_round = _by_round(runs, contender, metric), _by_round(runs, best, metric_of_others)
    pairs = [own_by_round[number] / best_by_round[number] for number in own_by_round if number in best_by_round]
    found = Spread(ratio, min([ratio, *pairs]), max([ratio, *pairs]))
    return Verdict(claim, found, target, at_least, "x", ratio)


def _limit(claim: str, values: Sequence[float], target: float, unit: str, *, every_run: bool = False) -> Verdict | None:
    if not values:
        return None
    found = Spread.of(values)
    return Verdict(claim, found, target, False, unit, found.high if every_run else found.median)


def _values(runs: Sequence[Run], contender: Contender, metric: Metric) -> list[float]:
    return list(_by_round(runs, contender, metric).values())


def _by_round(runs: Sequence[Run], contender: Contender, metric: Metric) -> dict[int, float]:
    measured = {run.round_number: metric(run) for run in runs if run.contender is contender}
    return {number: value for number, value in measured.items() if value is not None}


def _cell(values: Sequence[float], form: str) -> str:
    if not values:
        return "-"
    spread = Spread.of(values)
    return f"{spread.median:{form}} ({spread.low:{form}}..{spread.high:{form}})"
