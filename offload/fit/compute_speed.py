"""Measures how fast this machine computes: weights by their form, and the least an operation takes."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from offload.fit.estimate import Estimate, of_samples
from offload.fit.machine_speed import WeightForm
from offload.ggml.weight_speed import WeightPasses
from offload.gguf_types import TYPE_TRAITS, GgmlType
from offload.llama.library import load

PASS_BYTES = 96 << 20
"""Weights of a pass: more than processors keep in their caches, but for the largest servers'."""
STEP_MATRICES = 400
_COLUMNS, _ROWS = 2048, 4096
_SMALL_COLUMNS, _SMALL_ROWS = 32, 8
_MIN_PASSES, _MAX_PASSES = 5, 40
_LEAST_SHARE = 0.2
"""Of a pass that is spent on weights at least."""
_SECONDS = 0.35
"""Of each form; the first pass, which is thrown away, comes on top."""
_NO_WEIGHTS = frozenset(
    {GgmlType.Q8_1, GgmlType.Q8_K, GgmlType.I8, GgmlType.I16, GgmlType.I32, GgmlType.I64, GgmlType.F64}
)
"""Types without a kernel for products, over which ggml ends the process; no weight has one."""


class Passes(Protocol):
    """What is timed: `ggml.weight_speed.WeightPasses`."""

    n_bytes: int
    n_steps: int

    def seconds(self, clock: Callable[[], float] = ...) -> float:
        """Do one pass; return how long it took."""


class OpenPasses(Protocol):
    """Makes what is timed."""

    def __call__(
        self, ggml_type: int, n_columns: int, n_rows: int, *, n_bytes: int, interleaved: bool, n_threads: int
    ) -> AbstractContextManager[Passes]:
        """Return matrices to pass over."""


def measured_form(form: WeightForm) -> WeightForm:
    """Return the form whose speed stands for `form`: itself, unless it is none of weights."""
    return WeightForm(GgmlType.F32, interleaved=False) if form.type in _NO_WEIGHTS else form


def measure_weights(
    form: WeightForm,
    n_threads: int,
    step_seconds: float,
    *,
    open_passes: OpenPasses = WeightPasses,
    clock: Callable[[], float] = time.perf_counter,
) -> Estimate:
    """Return bytes of weights a second, out of memory; takes about half a second.

    `step_seconds`, the least an operation takes, is no part of it: threads that wait for each other on a busy machine
    would count twice.

    Raises:
        AbiError, DecodeError: of ggml.
    """
    load()
    form = measured_form(form)
    block = TYPE_TRAITS[form.type].block_size
    with open_passes(
        int(form.type),
        max(_COLUMNS, block),
        _ROWS,
        n_bytes=PASS_BYTES,
        interleaved=form.interleaved,
        n_threads=n_threads,
    ) as passes:
        waited = passes.n_steps * step_seconds
        timed = _timed(passes, clock)
        return of_samples([passes.n_bytes / max(seconds - waited, _LEAST_SHARE * seconds) for seconds in timed])


def measure_step(
    n_threads: int, *, open_passes: OpenPasses = WeightPasses, clock: Callable[[], float] = time.perf_counter
) -> Estimate:
    """Return the least seconds an operation of a graph takes.

    Raises:
        AbiError, DecodeError: of ggml.
    """
    load()
    row_bytes = 4 * _SMALL_COLUMNS * _SMALL_ROWS
    with open_passes(
        int(GgmlType.F32), _SMALL_COLUMNS, _SMALL_ROWS,
        n_bytes=STEP_MATRICES * row_bytes, interleaved=False, n_threads=n_threads,
    ) as passes:  # fmt: skip
        return of_samples([seconds / passes.n_steps for seconds in _timed(passes, clock)])


def _timed(passes: Passes, clock: Callable[[], float]) -> Iterable[float]:
    """Return the seconds of passes, after a first one that does not count."""
    passes.seconds(clock)
    start, samples = clock(), [passes.seconds(clock)]
    while len(samples) < _MAX_PASSES and (len(samples) < _MIN_PASSES or clock() - start < _SECONDS):
        samples.append(passes.seconds(clock))
    return [max(seconds, 1e-9) for seconds in samples]
