"""The words of a reading: what a gauge writes, and what a screen reader says of it."""

from dataclasses import dataclass
from enum import Enum, auto

from offload_app.gauges.readings.language import Language

NO_VALUE = "–"


class Known(Enum):
    """How much is known of what a gauge shows. Only what is measured has a value."""

    NO_MODEL = auto()
    """No model is loaded."""
    NOT_PAGED = auto()
    """The model is dense: it has no experts that could be read from disk."""
    NOT_YET = auto()
    """Nothing was measured so far."""
    MEASURED = auto()


@dataclass(frozen=True, slots=True)
class Words:
    """The text of one gauge."""

    title: str
    value: str
    """Short, beside the title."""
    detail: str
    """One line below; may be cut where there is little room, so nothing is said there alone."""
    sentence: str
    """All of it in one sentence."""


def words_without_value(known: Known, title: str, language: Language) -> Words:
    """Return the words of a gauge that has no value to show, and why."""
    match known:
        case Known.NO_MODEL:
            detail = language.translate("gauges", "No model is loaded")
        case Known.NOT_PAGED:
            detail = language.translate("gauges", "This model is wholly in memory")
        case _:
            detail = language.translate("gauges", "Nothing measured yet")
    return Words(title, NO_VALUE, detail, f"{title}: {detail}.")
