"""The pack card: what packing brings and takes, how far it is, and why not; pure."""

from dataclasses import dataclass
from enum import Enum

from offload.protocol import ModelSummary, PackState
from offload_app.gauges.readings.language import Language
from offload_app.library.shelf import ShelvedModel
from offload_app.report_words import report_words

_CONTEXT = "Library"
SPARE_BYTES = 64 << 20
"""Left free on the disk."""


class PackOffer(Enum):
    """What a person may do."""

    NOTHING = "nothing"
    PACK = "pack"
    PACK_AGAIN = "pack_again"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class PackReading:
    """What the pack card shows."""

    text: str = ""
    """Empty: there is nothing to be packed."""
    trouble: str = ""
    offer: PackOffer = PackOffer.NOTHING
    is_possible: bool = False
    """Whether the offer can be taken now."""
    fraction: float | None = None


def read_pack(model: ShelvedModel, free_bytes: int | None, language: Language) -> PackReading:
    """Return the card of `model`, where `free_bytes` are free beside it; None: that is not known."""
    tr, summary = language.translate, model.summary
    if summary is None or summary.pack_state is PackState.DENSE:
        return PackReading()
    if model.pack_fraction is not None:
        text = tr(_CONTEXT, "Packing: {percent}. The chat goes on meanwhile.")
        percent = language.percent(int(100 * model.pack_fraction) / 100)
        return PackReading(
            text.format(percent=percent), offer=PackOffer.CANCEL, is_possible=True, fraction=model.pack_fraction
        )
    trouble = report_words(model.pack_refusal) if model.pack_refusal is not None else ""
    if summary.pack_state is PackState.READY:
        text = tr(_CONTEXT, "Packed: each expert is read in one piece. The packed store takes {size} beside the model.")
        return PackReading(text.format(size=language.size(summary.packed_bytes)), trouble)
    room = _no_room(summary, free_bytes, language)
    offer = PackOffer.PACK_AGAIN if summary.pack_state is PackState.STALE else PackOffer.PACK
    return PackReading(_text(summary, free_bytes, language), room or trouble, offer, is_possible=not room)


def _text(summary: ModelSummary, free_bytes: int | None, language: Language) -> str:
    tr = language.translate
    if summary.pack_state is PackState.STALE:
        text = tr(
            _CONTEXT,
            "The packed store beside it is of another model or processor, or damaged, and is not used."
            " A new one takes up to {size}",
        )
    else:
        text = tr(
            _CONTEXT,
            "Packing stores the experts once more, each in one piece and ready to compute with, so that answers come"
            " faster. It takes up to {size} beside the model",
        )
    if free_bytes is None:
        return text.format(size=language.size(summary.expert_bytes)) + "."
    text += tr(_CONTEXT, "; {free} are free.")
    return text.format(size=language.size(summary.expert_bytes), free=language.size(free_bytes))


def _no_room(summary: ModelSummary, free_bytes: int | None, language: Language) -> str:
    if free_bytes is None or free_bytes >= summary.expert_bytes + SPARE_BYTES:
        return ""
    text = language.translate(_CONTEXT, "There is no room: {needed} are needed, {free} are free. Make room first.")
    needed = language.size(summary.expert_bytes + SPARE_BYTES)
    return text.format(needed=needed, free=language.size(free_bytes))
