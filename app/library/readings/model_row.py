"""A row of the list of models; pure."""

import os
from dataclasses import dataclass

from offload_app.engine_state import EngineState
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.model_words import pack_word, short_facts, title_of, trouble_of
from offload_app.library.shelf import DEMO, ShelvedModel
from offload_app.model_status import ModelStatus

_OPEN = frozenset({EngineState.LOADED, EngineState.GENERATING, EngineState.STOPPING, EngineState.UNLOADING})


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What a row shows."""

    key: str
    title: str
    facts: str
    trouble: str
    """In the place of the facts, where the model cannot be used."""
    state: str
    """Loaded, packed: at the right."""
    is_loaded: bool
    tool_tip: str
    spoken: str


def read_row(model: ShelvedModel, *, is_loaded: bool, language: Language) -> ModelRow:
    """Return the row of `model`."""
    title, trouble = title_of(model, language), trouble_of(model, language)
    facts = short_facts(model, language)
    loaded = language.translate("Library", "loaded") if is_loaded else ""
    state = " · ".join(word for word in (loaded, pack_word(model, language)) if word)
    spoken = ", ".join(word for word in (title, trouble or facts, state) if word)
    tool_tip = "\n".join(word for word in (model.path, trouble or facts, state) if word)
    return ModelRow(model.key, title, facts, trouble, state, is_loaded, tool_tip, spoken)


def loaded_key(status: ModelStatus) -> str | None:
    """Return the key of the model that is open; None: there is none."""
    if status.state not in _OPEN or not status.description:
        return None
    return os.path.abspath(status.model) if status.model else DEMO
