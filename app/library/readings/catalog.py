"""The catalogue in words: which models a search finds, and their rows; pure."""

import os
import re
from collections.abc import Iterable

from offload.protocol import CatalogEntry
from offload_app.gauges.readings.language import Language
from offload_app.library.lookup import Lookup
from offload_app.library.readings.model_row import ModelRow

_CONTEXT = "Library"
_PART = r"(?!\.)[A-Za-z0-9._-]{1,96}(?<!\.)"
_NAME = re.compile(rf"{_PART}/{_PART}(?::[A-Za-z0-9._-]{{1,64}})?")
_NOT_DYNAMIC = r"(?<![-._]UD)(?<!^UD)"
_PREFIXES = ("https://huggingface.co/", "huggingface.co/", "hf.co/")


def typed_name(text: str) -> str:
    """Return the USER/REPO or USER/REPO:QUANT that a person typed or pasted; empty where it is none."""
    bare = text.strip()
    for prefix in _PREFIXES:
        bare = bare.removeprefix(prefix)
    return bare if _NAME.fullmatch(bare) and ".." not in bare else ""


def found_entries(entries: Iterable[CatalogEntry], query: str) -> tuple[CatalogEntry, ...]:
    """Return the entries that have every word of `query` in title, name, licence or architecture."""
    words = query.casefold().split()
    return tuple(entry for entry in entries if all(word in _searched(entry) for word in words))


def is_listed(entries: Iterable[CatalogEntry], name: str) -> bool:
    """Return whether the catalogue has exactly that model."""
    return any(entry.name.casefold() == name.casefold() for entry in entries)


def place_of(name: str, folder: str) -> str:
    """Return the folder that a model comes into."""
    return os.path.join(folder, *name.partition(":")[0].split("/"))


def path_here(name: str, folder: str, paths: Iterable[str]) -> str:
    """Return which of `paths` is the model of that name; empty where none is. Of several the first is meant.

    A file whose name says UD-Q4_K_M is another quantization than Q4_K_M, though the hub gives it to who asks for that
    and there is no other.
    """
    quant = name.partition(":")[2] or "Q4_K_M"
    place = os.path.normcase(place_of(name, folder))
    part = re.compile(rf"{_NOT_DYNAMIC}(?:^|[-._]){re.escape(quant)}(?:[-.]|$)", re.IGNORECASE)
    for path in paths:
        if os.path.normcase(os.path.dirname(path)) == place and part.search(os.path.basename(path)):
            return path
    return ""


def entry_facts(entry: CatalogEntry, language: Language) -> str:
    """Return what fits a row: size, experts, licence."""
    facts = (language.size(entry.size_bytes), experts_text(entry, language), entry.licence)
    return " · ".join(fact for fact in facts if fact)


def experts_text(entry: CatalogEntry, language: Language) -> str:
    """Return how many experts a model has, and how many of them a token uses."""
    text = language.translate(_CONTEXT, "{n} experts, {n_used} used")
    return text.format(n=language.number(entry.n_expert), n_used=language.number(entry.n_expert_used))


def entry_row(entry: CatalogEntry, state: str, is_here: bool, language: Language) -> ModelRow:
    """Return the row of an entry; `state` says whether it is here, or how far."""
    facts = entry_facts(entry, language)
    spoken = ", ".join(word for word in (entry.title, facts, state) if word)
    tool_tip = "\n".join(word for word in (entry.name, facts, state) if word)
    return ModelRow(entry.name, entry.title, facts, "", state, is_here, tool_tip, spoken)


def typed_row(name: str, lookup: Lookup | None, state: str, is_here: bool, language: Language) -> ModelRow:
    """Return the row of a model that a person typed the name of; `lookup` is what the hub said, where it was asked."""
    facts, trouble = language.translate(_CONTEXT, "not in the catalogue"), ""
    if lookup is not None and lookup.offer is not None:
        facts = language.size(lookup.offer.n_bytes)
    elif lookup is not None and lookup.refusal is not None:
        trouble = lookup.refusal.message
    spoken = ", ".join(word for word in (name, trouble or facts, state) if word)
    return ModelRow(name, name, facts, trouble, state, is_here, spoken, spoken)


def _searched(entry: CatalogEntry) -> str:
    return f"{entry.title} {entry.name} {entry.licence} {entry.architecture}".casefold()
