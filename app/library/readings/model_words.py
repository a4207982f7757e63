"""A model in words: what it is called and what it is; pure."""

import re

from offload.protocol import ModelSummary, PackState
from offload_app.gauges.readings.language import Language
from offload_app.library.shelf import DEMO, ShelvedModel
from offload_app.report_words import report_words

_ENDING = re.compile(r"(-\d{5}-of-\d{5})?\.gguf$", re.IGNORECASE)
_CONTEXT = "Library"


def title_of(model: ShelvedModel, language: Language) -> str:
    """Return what a model is called: its file's name, without what every model's has."""
    if model.key == DEMO:
        return language.translate(_CONTEXT, "Demo model")
    return _ENDING.sub("", model.key.replace("\\", "/").rpartition("/")[2])


def experts_of(summary: ModelSummary, language: Language) -> str:
    """Return how many experts there are."""
    if summary.n_expert == 0:
        return language.translate(_CONTEXT, "no experts")
    text = language.translate(_CONTEXT, "{n} experts, {n_used} used")
    return text.format(n=language.number(summary.n_expert), n_used=language.number(summary.n_expert_used))


def short_facts(model: ShelvedModel, language: Language) -> str:
    """Return what fits a row of the list."""
    summary = model.summary
    if summary is None:
        return language.size(model.found.n_bytes) if model.found is not None else ""
    facts = (
        summary.quantization,
        language.size(summary.file_bytes),
        summary.architecture,
        experts_of(summary, language),
    )
    return " · ".join(fact for fact in facts if fact)


def all_facts(summary: ModelSummary, language: Language) -> str:
    """Return everything the file says of itself, in one paragraph."""
    tr = language.translate
    size = language.size(summary.file_bytes)
    if summary.n_files > 1:
        size = tr(_CONTEXT, "{size} in {n} files").format(size=size, n=summary.n_files)
    facts = [
        summary.name,
        summary.architecture,
        _parameters(summary.n_params, language),
        summary.quantization,
        size,
        _counted(summary.n_layer, tr(_CONTEXT, "{n} layers"), language),
        experts_of(summary, language),
        _counted(summary.context_length, tr(_CONTEXT, "{n} tokens of context at most"), language),
    ]
    return "\u00a0· ".join(fact for fact in facts if fact)


def trouble_of(model: ShelvedModel, language: Language) -> str:
    """Return why a model cannot be used; empty where it can, as far as known."""
    if model.is_missing:
        return language.translate(_CONTEXT, "The file is not there any more.")
    return report_words(model.refusal) if model.refusal is not None else ""


def pack_word(model: ShelvedModel, language: Language) -> str:
    """Return whether a model is packed, in a word or two; empty where there is nothing to say."""
    tr = language.translate
    if model.pack_fraction is not None:
        return tr(_CONTEXT, "packing {percent}").format(percent=language.percent(int(100 * model.pack_fraction) / 100))
    match model.summary.pack_state if model.summary is not None else PackState.NONE:
        case PackState.READY:
            return tr(_CONTEXT, "packed")
        case PackState.STALE:
            return tr(_CONTEXT, "to be packed again")
        case _:
            return ""


def _parameters(n_params: int, language: Language) -> str:
    if n_params <= 0:
        return ""
    if n_params >= 999_500_000:
        text, number = language.translate(_CONTEXT, "{n} billion parameters"), n_params / 1e9
    else:
        text, number = language.translate(_CONTEXT, "{n} million parameters"), n_params / 1e6
    return text.format(n=language.number(number, 1 if number < 99.95 else 0))


def _counted(count: int, text: str, language: Language) -> str:
    return text.format(n=language.number(count)) if count > 0 else ""
