"""The arithmetic of the GPU benchmark: medians, ratios against their targets, and whose logits differ."""

import statistics
from collections.abc import Sequence

from bench.gpu_contenders import CPU_MOES, IN_RAM, LIMITED, SPLITS, GpuContender, GpuRun, Way
from bench.report import Spread, Verdict

CPU_MOE_TARGET, SPLIT_TARGET, MMAP_TARGET = 2.0, 1.2, 10.0


def table_lines(runs: Sequence[GpuRun]) -> list[str]:
    """Return the table of all speeds, a line per contender: median (min..max) of its runs."""
    lines = [f"{'':<38}  {'decode, tokens/s':>26}  {'hit rate':>8}  {'prefill, s':>10}  {'peak, MiB':>9}"]
    for contender in dict.fromkeys(run.contender for run in runs):
        found = [run.measurement for run in runs if run.contender == contender]
        speed = Spread.of([one.tokens_per_second for one in found])
        shown = f"{speed.median:.2f} ({speed.low:.2f}..{speed.high:.2f})"
        rates = [one.hit_rate for one in found if one.hit_rate is not None]
        rate = f"{statistics.median(rates):.3f}" if rates else "-"
        prefill = statistics.median(one.prefill_seconds for one in found)
        peak = max(one.peak_bytes for one in found) >> 20
        lines.append(f"{contender.name:<38}  {shown:>26}  {rate:>8}  {prefill:>10.2f}  {peak:>9}")
    return lines


def verdicts(runs: Sequence[GpuRun]) -> list[Verdict]:
    """Return what `runs` show of each share, of everything that both sides were measured for."""
    shares = sorted({run.contender.share for run in runs if run.contender.share is not None})
    found: list[Verdict | None] = []
    for share in shares:
        for way in IN_RAM:
            own = GpuContender(way, share)
            found.append(_ratio(runs, own, [GpuContender(other) for other in CPU_MOES], "--cpu-moe", CPU_MOE_TARGET))
            splits = [GpuContender(other, share) for other in SPLITS]
            found.append(_ratio(runs, own, splits, "best --n-cpu-moe", SPLIT_TARGET))
        for way in LIMITED:
            own = GpuContender(way, share)
            found.append(_ratio(runs, own, [GpuContender(Way.MMAP_LIMITED)], "mmap", MMAP_TARGET))
    return [verdict for verdict in found if verdict is not None]


def of_whole(runs: Sequence[GpuRun]) -> list[str]:
    """Return how fast each paged contender is beside all on the GPU, where that was measured."""
    whole = GpuContender(Way.WHOLE)
    paged = dict.fromkeys(run.contender for run in runs if run.contender.way is Way.COPY)
    lines = []
    for contender in paged:
        ratio = _spread(runs, contender, whole)
        if ratio is not None:
            lines.append(f"{contender.name} / {whole.name}: {ratio.median:.2f} ({ratio.low:.2f}..{ratio.high:.2f}) x")
    return lines


def disagreements(runs: Sequence[GpuRun]) -> list[str]:
    """Return a line for each contender whose logits had to be those of all on the GPU and are not."""
    whole = [run.measurement for run in runs if run.contender.way is Way.WHOLE]
    if not whole:
        return []
    expected = {(one.prefill_checksum, one.decode_checksum) for one in whole}
    if len(expected) > 1:
        return [f"{Way.WHOLE.value}: its own logits differ from run to run"]
    differing = dict.fromkeys(
        run.contender.name
        for run in runs
        if run.contender.way.computes_all_on_gpu
        and (run.measurement.prefill_checksum, run.measurement.decode_checksum) not in expected
    )
    return [f"{name}: the logits are not those of all on the GPU" for name in differing]


def _ratio(
    runs: Sequence[GpuRun], own: GpuContender, others: Sequence[GpuContender], name: str, target: float
) -> Verdict | None:
    """Hold the speed of one against the fastest of `others`."""
    measured = {other: statistics.median(values) for other in others if (values := _by_round(runs, other).values())}
    if not measured:
        return None
    spread = _spread(runs, own, max(measured, key=lambda other: measured[other]))
    return Verdict(f"decode, {own.name} / {name}", spread, target, True, "x", spread.median) if spread else None


def _spread(runs: Sequence[GpuRun], own: GpuContender, other: GpuContender) -> Spread | None:
    """Return the ratio of two medians; the range is of pairs of one round."""
    ours, theirs = _by_round(runs, own), _by_round(runs, other)
    if not ours or not theirs:
        return None
    ratio = statistics.median(ours.values()) / statistics.median(theirs.values())
    pairs = [ratio, *(ours[number] / theirs[number] for number in ours if number in theirs)]
    return Spread(ratio, min(pairs), max(pairs))


def _by_round(runs: Sequence[GpuRun], contender: GpuContender) -> dict[int, float]:
    return {run.round_number: run.measurement.tokens_per_second for run in runs if run.contender == contender}
