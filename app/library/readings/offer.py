"""The offer: what is to be known of a model before it is downloaded, and what can be done about it; pure."""

from dataclasses import dataclass, replace
from enum import Enum

from offload.protocol import CatalogEntry, ModelOffer, ModelSummary
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download, DownloadState
from offload_app.library.lookup import Lookup
from offload_app.library.readings.catalog import experts_text
from offload_app.library.readings.model_words import all_facts
from offload_app.report_words import report_words

_CONTEXT = "Library"
SPARE_BYTES = 64 << 20
"""Left free on the disk."""


class OfferDeed(Enum):
    """What the one button of an offer does."""

    NOTHING = "nothing"
    LOOK_UP = "look_up"
    DOWNLOAD = "download"
    RESUME = "resume"
    SHOW = "show"
    """Go to the model among those that are here."""


@dataclass(frozen=True, slots=True)
class OfferReading:
    """What the offer's card shows; without a title there is nothing to show."""

    title: str = ""
    facts: str = ""
    room: str = ""
    """How much comes, and how much is free."""
    place: str = ""
    """The folder it comes into."""
    licence: str = ""
    source: str = ""
    news: str = ""
    """What goes on, or comes next."""
    trouble: str = ""
    path: str = ""
    """Of the first file, where the model is here."""
    deed: OfferDeed = OfferDeed.NOTHING
    is_possible: bool = False
    """Whether the deed can be done now."""
    can_fit: bool = False
    """Whether it may be asked how the model will run here."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around an offer."""

    place: str
    free_bytes: int | None
    path: str = ""
    """Of the model, where it is here already."""
    download: Download | None = None
    summary: ModelSummary | None = None
    """What its header says, where that was read."""


def read_entry_offer(entry: CatalogEntry, around: Surroundings, language: Language) -> OfferReading:
    """Return the offer of an entry of the catalogue."""
    tr = language.translate
    params = tr(_CONTEXT, "{total} parameters, {active} of them for each token")
    facts = (
        entry.name,
        entry.architecture,
        params.format(total=_count(entry.total_params, language), active=_count(entry.active_params, language)),
        experts_text(entry, language),
    )
    licence = tr(_CONTEXT, "Licence: {licence}").format(licence=entry.licence)
    return _offer(
        OfferReading(entry.title, "\u00a0· ".join(facts), place=around.place, licence=licence, source=entry.source),
        entry.size_bytes,
        entry.is_exact,
        around,
        language,
    )


def read_typed_offer(name: str, lookup: Lookup | None, around: Surroundings, language: Language) -> OfferReading:
    """Return the offer of a model that a person typed the name of."""
    tr = language.translate
    if around.path or around.download is not None:
        n_bytes = lookup.offer.n_bytes if lookup is not None and lookup.offer is not None else 0
        return _offer(OfferReading(name, place=around.place), n_bytes, True, around, language)
    if lookup is None:
        news = tr(_CONTEXT, "Not in the catalogue. The hub is asked for it when you press Look up.")
        return OfferReading(name, news=news, deed=OfferDeed.LOOK_UP, is_possible=True)
    if lookup.refusal is not None:
        return OfferReading(name, trouble=report_words(lookup.refusal), deed=OfferDeed.LOOK_UP, is_possible=True)
    if lookup.offer is None:
        return OfferReading(name, news=tr(_CONTEXT, "Asking the hub…"), deed=OfferDeed.LOOK_UP)
    return _found(name, lookup.offer, around, language)


def no_room(n_bytes: int, there_bytes: int, free_bytes: int | None, language: Language) -> str:
    """Return that there is no room for what is still to come; empty where there is, or that is not known."""
    missing = max(0, n_bytes - there_bytes)
    if free_bytes is None or not missing or free_bytes >= missing + SPARE_BYTES:
        return ""
    text = language.translate(_CONTEXT, "There is no room: {needed} are needed, {free} are free. Make room first.")
    return text.format(needed=language.size(missing + SPARE_BYTES), free=language.size(free_bytes))


def _found(name: str, offer: ModelOffer, around: Surroundings, language: Language) -> OfferReading:
    facts = [offer.name]
    if around.summary is not None:
        facts.append(all_facts(around.summary, language))
    elif offer.n_files > 1:
        text = language.translate(_CONTEXT, "{size} in {n} files")
        facts.append(text.format(size=language.size(offer.n_bytes), n=language.number(offer.n_files)))
    facts.append(language.translate(_CONTEXT, "commit {commit}").format(commit=offer.revision[:12]))
    licence = language.translate(_CONTEXT, "Licence: as its page on the hub says")
    if offer.is_there:
        around = replace(around, path=offer.path)
    reading = OfferReading(name, "\u00a0· ".join(facts), place=around.place, licence=licence)
    return _offer(reading, offer.n_bytes, True, around, language, offer.there_bytes)


def _offer(
    reading: OfferReading,
    n_bytes: int,
    is_exact: bool,
    around: Surroundings,
    language: Language,
    there_bytes: int = 0,
) -> OfferReading:
    tr, download = language.translate, around.download
    if around.path:
        here = tr(_CONTEXT, "It is here.")
        return replace(reading, news=here, path=around.path, deed=OfferDeed.SHOW, is_possible=True)
    if download is not None and download.is_under_way:
        return replace(reading, news=tr(_CONTEXT, "On its way: see the downloads below."), can_fit=True)
    there = max(there_bytes, download.done_bytes if download is not None else 0)
    trouble = no_room(n_bytes, there, around.free_bytes, language)
    is_resting = download is not None and download.state in (DownloadState.PAUSED, DownloadState.FAILED)
    return replace(
        reading,
        room=_room(n_bytes, there, is_exact, around.free_bytes, language),
        trouble=trouble,
        deed=OfferDeed.RESUME if is_resting else OfferDeed.DOWNLOAD,
        is_possible=not trouble and (download is None or is_resting or download.state is DownloadState.DONE),
        can_fit=True,
    )


def _room(n_bytes: int, there_bytes: int, is_exact: bool, free_bytes: int | None, language: Language) -> str:
    tr = language.translate
    size = language.size(n_bytes) if is_exact else tr(_CONTEXT, "about {size}").format(size=language.size(n_bytes))
    text = tr(_CONTEXT, "Download: {size}").format(size=size)
    if there_bytes:
        text += tr(_CONTEXT, ", of which {there} are here").format(there=language.size(there_bytes))
    if free_bytes is not None:
        text += tr(_CONTEXT, "; {free} are free").format(free=language.size(free_bytes))
    return text + "."


def _count(n_params: int, language: Language) -> str:
    number = language.number(n_params / 1e9, 1 if n_params < 99_950_000_000 else 0)
    return language.translate(_CONTEXT, "{n} billion").format(n=number)


def catalog_words(n_entries: int, refusal: ErrorReport | None, query: str, language: Language) -> str:
    """Return what stands where no row does; empty where there are rows."""
    tr = language.translate
    if n_entries:
        return ""
    if refusal is not None:
        return report_words(refusal)
    if query.strip():
        return tr(
            _CONTEXT, "Nothing in the catalogue has these words. A model of the hub is written as USER/REPO:QUANT."
        )
    return tr(_CONTEXT, "Reading the catalogue…")
