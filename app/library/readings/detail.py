"""The detail of the chosen model: what stands above its cards, and what can be done with it; pure."""

from dataclasses import dataclass

from offload_app.engine_state import EngineState
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.model_row import loaded_key
from offload_app.library.readings.model_words import all_facts, title_of, trouble_of
from offload_app.library.readings.plan import PlanReading
from offload_app.library.shelf import ShelvedModel
from offload_app.model_status import ModelStatus

_BUSY = frozenset({EngineState.LOADING, EngineState.UNLOADING, EngineState.SHUTTING_DOWN, EngineState.STARTING})


@dataclass(frozen=True, slots=True)
class DetailReading:
    """What stands above the cards, and which buttons there are."""

    title: str = ""
    facts: str = ""
    path: str = ""
    trouble: str = ""
    is_loaded: bool = False
    can_load: bool = False
    can_unload: bool = False
    can_forget: bool = False
    has_plan: bool = False


def read_detail(
    model: ShelvedModel, status: ModelStatus, plan: PlanReading, *, can_unload: bool, language: Language
) -> DetailReading:
    """Return what the detail says of `model`, where `plan` is what its card shows; `can_unload` is of the open one."""
    trouble = trouble_of(model, language)
    is_loaded = model.key == loaded_key(status)
    return DetailReading(
        title_of(model, language),
        all_facts(model.summary, language) if model.summary is not None else "",
        model.path,
        trouble,
        is_loaded=is_loaded,
        can_load=not trouble and status.state not in _BUSY and (plan.is_possible or not plan.is_known),
        can_unload=can_unload,
        can_forget=model.is_other and not is_loaded,
        has_plan=model.summary is not None and not trouble,
    )
