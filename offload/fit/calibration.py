"""Calibrates predictions of a model by runs of it: by how much computing, and waiting for reads, took longer."""

import statistics
from collections.abc import Sequence

from offload.fit.machine_speed import MachineSpeed
from offload.fit.measured import MeasuredRun
from offload.fit.model_shape import ModelShape
from offload.fit.prediction import (
    UNCALIBRATED,
    Calibration,
    compute_estimate,
    read_seconds,
    stall_seconds,
)

STEADY_TOKENS = 128
"""Of an answer that tells how fast a model decodes: a shorter one is, by a good part, its cold start, with slots that
are filled and touched for the first time. With 70 % of the experts of a model of 8 GB in slots the first 48 tokens came
at 13.6 a second, the first 160 at 26.9 (2 cores of an AMD EPYC, 2026-11-23)."""
_LAST_RUNS = 5
_MOST_FACTOR = 4.0
"""A run that took more times as long as that was not of a machine as it usually is."""
_LEAST_MISS_RATE = 0.01
"""Of runs that tell of the disk."""


def calibrate(shape: ModelShape, machine: MachineSpeed, runs: Sequence[MeasuredRun]) -> Calibration:
    """Return what the last runs say; short ones, and those that are far off, are left out.

    Raises:
        KeyError: a form of weights was not measured.
    """
    read = read_seconds(shape, machine).middle
    ratios, waits = [], []
    for run in [run for run in runs if run.n_tokens >= STEADY_TOKENS][-_LAST_RUNS:]:
        compute = compute_estimate(shape, machine, run.hit_rate).middle
        ratio = max(1 / run.tokens_per_second - run.stall_seconds, 0.0) / compute
        if 1 / _MOST_FACTOR <= ratio <= _MOST_FACTOR:
            ratios.append(ratio)
        stall = stall_seconds(shape, read, run.hit_rate)
        if run.hit_rate < 1 - _LEAST_MISS_RATE and 1 / _MOST_FACTOR <= run.stall_seconds / stall <= _MOST_FACTOR:
            waits.append(run.stall_seconds / stall)
    if not ratios:
        return UNCALIBRATED
    return Calibration(statistics.median(ratios), statistics.median(waits) if waits else 1.0, len(ratios))
