"""`predict`: seconds a token takes to decode, from a model's shape, a machine's speed and a hit rate.

    seconds  = compute + overhead + stall
    compute  = sum over forms of weights: bytes a token is multiplied with / bytes a second
    overhead = layers x (STEPS_OF_LAYER x the least time of an operation + LAYER_SECONDS) + TOKEN_SECONDS
               + layers that wait x RESUME_SECONDS
    stall    = (1 - hit rate) x bytes of all routed experts / bytes a second of the disk x WAITED_FOR
               + layers that wait x WAIT_SECONDS
    layers that wait = layers with experts x (1 - hit rate ^ experts a token is routed to)

for a short context, once the first hundred tokens have filled the slots: attention over a long one, and forecasts that
pay, are in the range alone. Each cause of doubt gives the seconds it may add or save; they are independent, so they are
added as squares. Pure arithmetic.
"""

import math
from dataclasses import dataclass

from offload.fit.estimate import Estimate
from offload.fit.machine_speed import MachineSpeed
from offload.fit.model_shape import ModelShape

STEPS_OF_LAYER = 30
"""Operations of a layer's graph that all threads meet after."""
LAYER_SECONDS = 40e-6
"""The walk from a layer's experts to the next one's: about 1 ms at 24 layers (2 cores of an AMD EPYC, 2026-11-23)."""
TOKEN_SECONDS = 0.2e-3
"""Of a token, whatever the model: sampling, text, the loop."""
WAITED_FOR = Estimate(0.6, 0.8, 1.1)
"""Of the time that reads take: the rest is read behind the computation; more than all where reads are uneven."""
WAIT_SECONDS = 0.25e-3
"""Of a layer that waits, however little it reads: readers are woken, and each reads one thing alone. The demo model,
whose experts have 0.14 MB, waits 0.23 to 0.30 ms a miss at 55 to 99 % of hits (2 cores of an AMD EPYC, 2026-11-23)."""
RESUME_SECONDS = 0.15e-3
"""After such a wait: threads and caches have gone cold. The same model computes 0.09 to 0.20 ms longer for each layer
that waits."""
MODEL_ERROR = 0.15
"""By how much the formula itself may be off, as a share of the time."""
_LEAST_SHARE = 0.2
"""Of the middle time, which no luck can shorten below."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """By how much measured runs of this model took longer than predicted; 1.0 and no runs: nothing is known."""

    compute: float = 1.0
    stall: float = 1.0
    n_runs: int = 0


UNCALIBRATED = Calibration()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What decoding with a share of the experts in slots will be like."""

    tokens_per_second: Estimate
    hit_rate: Estimate
    compute_seconds: float
    """A token, overhead included."""
    stall_seconds: float
    """A token waits for reads."""
    bytes_per_token: float
    """Read from the disk."""


def n_waits(shape: ModelShape, hit_rate: float) -> float:
    """Return how many layers of a token wait for reads, where experts miss independently."""
    return len(shape.expert_bytes) * (1 - hit_rate**shape.n_expert_used)


def compute_estimate(shape: ModelShape, machine: MachineSpeed, hit_rate: float) -> Estimate:
    """Return the seconds a token computes, its overhead included.

    Raises:
        KeyError: a form of weights was not measured.
    """
    overhead = TOKEN_SECONDS + shape.n_layer * LAYER_SECONDS + n_waits(shape, hit_rate) * RESUME_SECONDS
    low = middle = high = overhead
    for form, n_bytes in shape.token_bytes.items():
        speed = machine.weights[form]
        low, middle, high = low + n_bytes / speed.high, middle + n_bytes / speed.middle, high + n_bytes / speed.low
    steps = shape.n_layer * STEPS_OF_LAYER
    step = machine.step_seconds
    return Estimate(low + steps * step.low, middle + steps * step.middle, high + steps * step.high)


def read_seconds(shape: ModelShape, machine: MachineSpeed) -> Estimate:
    """Return the seconds that reading all experts of a token takes; 0 for a dense model."""
    if not shape.is_paged:
        return Estimate.exact(0.0)
    speed = machine.disk.at(shape.request_bytes)
    n_bytes = shape.missed_bytes
    return Estimate(n_bytes / speed.high, n_bytes / speed.middle, n_bytes / speed.low)


def stall_seconds(shape: ModelShape, all_read_seconds: float, hit_rate: float) -> float:
    """Return how long a token waits, where reading all its experts takes `all_read_seconds`."""
    return (1 - hit_rate) * all_read_seconds * WAITED_FOR.middle + n_waits(shape, hit_rate) * WAIT_SECONDS


def predict(
    shape: ModelShape, machine: MachineSpeed, hit_rate: Estimate, calibration: Calibration = UNCALIBRATED
) -> Prediction:
    """Return the prediction for decoding at a hit rate (0 to 1).

    More hits, a faster disk and faster cores never give fewer tokens a second.

    Raises:
        KeyError: a form of weights was not measured.
    """

    def computing(rate: float) -> Estimate:
        return compute_estimate(shape, machine, rate).map(lambda seconds: seconds * calibration.compute)

    compute = computing(hit_rate.middle)
    read = read_seconds(shape, machine)
    waited = WAITED_FOR.middle * calibration.stall
    miss_rate = 1 - hit_rate.middle

    def at(rate: float) -> float:
        return computing(rate).middle + stall_seconds(shape, read.middle, rate) * calibration.stall

    stall = stall_seconds(shape, read.middle, hit_rate.middle) * calibration.stall
    middle = compute.middle + stall
    # A run of the model itself says more of the machine than the probe does.
    doubt = 1 / math.sqrt(1 + calibration.n_runs)
    slower = (
        (compute.high - compute.middle) * doubt,
        at(hit_rate.low) - middle,
        miss_rate * (read.high - read.middle) * waited * doubt,
        stall * (WAITED_FOR.high / WAITED_FOR.middle - 1) * doubt,
        MODEL_ERROR * middle,
    )
    faster = (
        (compute.middle - compute.low) * doubt,
        middle - at(hit_rate.high),
        miss_rate * (read.middle - read.low) * waited * doubt,
        stall * (1 - WAITED_FOR.low / WAITED_FOR.middle) * doubt,
        MODEL_ERROR * middle,
    )
    least = max(middle - math.hypot(*faster), _LEAST_SHARE * middle)
    return Prediction(
        tokens_per_second=Estimate(1 / (middle + math.hypot(*slower)), 1 / middle, 1 / least),
        hit_rate=hit_rate,
        compute_seconds=compute.middle,
        stall_seconds=stall,
        bytes_per_token=miss_rate * shape.missed_bytes,
    )
