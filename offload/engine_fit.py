"""`fit_model`: the fit card of a model file: needs, plans over budgets, and what this machine makes of them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from offload.config import EngineConfig
from offload.engine_needs import EngineNeeds
from offload.engine_outline import outline_of
from offload.errors import BudgetError, OffloadError
from offload.experts.fingerprint import source_files
from offload.fit.card import FitCard, fit_card
from offload.fit.machine_probe import MachineProbe, kept_file
from offload.fit.measured import measured_file
from offload.fit.measuring import DiskPlace, RealMeasuring
from offload.fit.predictor import Known, Predictor, predictor_of
from offload.machine import physical_cores
from offload.memory_plan import MemoryPlan

__all__ = ["FitCard", "fit_model", "predictor_for"]

N_ROWS = 8


def fit_model(
    path: str | Path | None,
    config: EngineConfig = EngineConfig(),  # noqa: B008 - frozen
    *,
    probe_again: bool = False,
    on_measuring: Callable[[str], None] = lambda what: None,
    folder: Path | None = None,
) -> FitCard:
    """Return the fit card of the model at `path`, or of a header that stands for it; None: of the demo model.

    No weights are loaded. `folder` is where the model will lie, where that is not beside its header. What was not
    measured yet of this machine is measured, some seconds long; `on_measuring` is told before.

    Raises:
        OffloadError: as `engine.open_model` does, but for BudgetError, which the card holds.
    """
    measured = EngineNeeds(path, config)
    plan: MemoryPlan | BudgetError
    try:
        plan = measured.share(measured.budget_bytes).plan
    except BudgetError as error:
        plan = error
    outline = outline_of(measured, N_ROWS)
    probe = MachineProbe(kept_file(), RealMeasuring(), again=probe_again, on_measuring=on_measuring)
    disk = DiskPlace(folder) if folder is not None else None
    return fit_card(predictor_for(measured, config, probe, disk), outline, plan)


def predictor_for(
    measured: EngineNeeds, config: EngineConfig, probe: MachineProbe, disk: DiskPlace | None = None
) -> Predictor:
    """Return what predicts for a model that was looked at. Raises as `fit_model` does."""
    header, store = measured.header, measured.store
    here = DiskPlace(header.files[0].parent, (*(store.files if store is not None else ()), *header.files))
    return predictor_of(
        header,
        store,
        probe,
        disk or here,
        n_threads=config.n_threads or physical_cores(),
        n_readers=config.n_readers,
        known=_known(measured) if disk is None else Known(),
        measured=measured_file(),
    )


def _known(measured: EngineNeeds) -> Known:
    """Return what earlier runs kept of the model, as far as it is of use."""
    with suppress(OffloadError):
        learnt = measured.share(measured.floor_bytes).learnt
        if learnt is not None and learnt.trace_header is not None:
            return Known(learnt.trace_header.fingerprint, learnt.trace_header, learnt.states)
        return Known(source_files(measured.header)[0].fingerprint)
    return Known()
