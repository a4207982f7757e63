"""`Predictor`: everything known of one model on this machine, put together: predicts for any share of its experts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offload.experts.store import ExpertStore
from offload.fit.calibration import calibrate
from offload.fit.hit_curve import HitCurve, curve_of_states
from offload.fit.json_file import JsonFile
from offload.fit.machine_key import machine_name
from offload.fit.machine_probe import MachineProbe
from offload.fit.machine_speed import MachineSpeed
from offload.fit.measured import MeasuredRun, runs_of
from offload.fit.measuring import DiskPlace
from offload.fit.model_shape import ModelShape, shape_of
from offload.fit.prediction import UNCALIBRATED, Calibration, Prediction, predict
from offload.fit.published_curves import published_curve
from offload.gguf_header import GgufHeader
from offload.routing.forecaster_file import State
from offload.routing.route_trace import TraceHeader


@dataclass(frozen=True, slots=True)
class Known:
    """What was kept of a model by earlier runs of it; nothing of one that never ran here."""

    model: str = ""
    """Its fingerprint; empty: no runs are looked for."""
    trace_header: TraceHeader | None = None
    states: Mapping[str, State] | None = None


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts for one model. Immutable, so any thread may ask."""

    shape: ModelShape
    machine: MachineSpeed
    curve: HitCurve
    calibration: Calibration = UNCALIBRATED
    runs: Sequence[MeasuredRun] = ()
    """Of this model on this machine, the last one last."""

    def at(self, resident_share: float) -> Prediction:
        """Return the prediction where this share of the experts (`PlanPoint.resident_share`) has a slot."""
        return predict(self.shape, self.machine, self.curve.at(resident_share), self.calibration)


def predictor_of(
    header: GgufHeader,
    store: ExpertStore | None,
    probe: MachineProbe,
    place: DiskPlace,
    *,
    n_threads: int,
    n_readers: int,
    known: Known = NOTHING_KNOWN,
    measured: JsonFile | None = None,
) -> Predictor:
    """Return what predicts for the model of `header`, read from `store`; None: the GGUF as it is, wherever it is.

    Reads no byte of the model but by `probe`, from the files that `place` names.

    Raises:
        ModelFileError: the header says no counts.
        OffloadError: the computation cannot be measured: the native library is broken.
    """
    shape = shape_of(header, store.layers if store is not None else None)
    machine = probe.speed(shape.token_bytes, place, n_threads=n_threads, n_readers=n_readers)
    runs = runs_of(known.model, machine_name(), measured) if known.model and measured is not None else ()
    runs = [run for run in runs if run.n_threads == n_threads]
    return Predictor(shape, machine, _curve(shape, known), calibrate(shape, machine, runs), runs)


def _curve(shape: ModelShape, known: Known) -> HitCurve:
    if not shape.is_paged:
        return published_curve(1)  # never asked: a dense model's share is 1
    own = None
    if known.trace_header is not None and known.states is not None:
        own = curve_of_states(known.states, known.trace_header)
    return own or published_curve(shape.n_expert)
