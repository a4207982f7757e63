"""The memory gauge: the plan by part against the budget, and what the process really takes.

The parts are what was planned for each; they and what is left free add up to the budget. What the process takes now
and took at most is measured, of all parts together.
"""

from dataclasses import dataclass
from enum import Enum

from offload.protocol import DeviceMemoryUse, MemoryUse, StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Known, Words, words_without_value


class Part(Enum):
    """What memory is for, in the order in which it is stacked."""

    DENSE = "dense"
    CONTEXT = "context"
    COMPUTE = "compute"
    SLOTS = "slots"
    CACHE = "cache"
    """Experts behind the slots of a compute device."""
    STAGING = "staging"
    FORECAST = "forecast"
    RUNTIME = "runtime"
    FREE = "free"
    """What is left of the budget."""


@dataclass(frozen=True, slots=True)
class PartUse:
    """One part of the plan."""

    part: Part
    n_bytes: int
    name: str
    text: str
    """The size in words."""


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """What the memory gauge shows. `parts` has every part in the order of `Part`; together they are `whole_bytes`."""

    known: Known
    words: Words
    parts: tuple[PartUse, ...] = ()
    budget_bytes: int = 0
    used_bytes: int = 0
    peak_bytes: int = 0
    is_over_budget: bool = False
    """Whether the process took more than was promised."""

    @property
    def whole_bytes(self) -> int:
        """The budget, or the sum of the parts where that is more."""
        return sum(use.n_bytes for use in self.parts)


def read_memory(event: StatsEvent | None, language: Language) -> MemoryReading:
    """Return what the memory gauge shows of `event`; of None: that no model is loaded."""
    title = language.translate("gauges", "Memory")
    known = _known(event)
    if event is None or known is not Known.MEASURED:
        return MemoryReading(known, words_without_value(known, title, language))
    use = event.stats.memory
    parts = _parts(use, language)
    return MemoryReading(
        known,
        _words(title, use, parts, language),
        parts,
        use.budget_bytes,
        use.resident_bytes,
        use.peak_bytes,
        is_over_budget=use.peak_bytes > use.budget_bytes,
    )


def _known(event: StatsEvent | None) -> Known:
    if event is None or not event.loaded:
        return Known.NO_MODEL
    memory = event.stats.memory
    return Known.MEASURED if memory.budget_bytes > 0 and memory.resident_bytes > 0 else Known.NOT_YET


def _parts(use: MemoryUse, language: Language) -> tuple[PartUse, ...]:
    translate = language.translate
    named = (
        *parts_of_model(use, language),
        (Part.CACHE, use.host_bytes, translate("gauges", "Expert cache")),
        (Part.STAGING, use.staging_bytes, translate("gauges", "Staging")),
        (Part.FORECAST, use.forecast_bytes, translate("gauges", "Forecasts")),
        (Part.RUNTIME, use.runtime_bytes, translate("gauges", "Program")),
    )
    planned = sum(n_bytes for _, n_bytes, _ in named)
    free = (Part.FREE, max(0, use.budget_bytes - planned), translate("gauges", "Free"))
    return tuple(PartUse(part, n_bytes, name, language.size(n_bytes)) for part, n_bytes, name in (*named, free))


def parts_of_model(use: MemoryUse | DeviceMemoryUse, language: Language) -> tuple[tuple[Part, int, str], ...]:
    """Return part, bytes and name of what a model has in any memory it is computed in."""
    translate = language.translate
    return (
        (Part.DENSE, use.dense_bytes, translate("gauges", "Dense")),
        (Part.CONTEXT, use.kv_bytes, translate("gauges", "Context")),
        (Part.COMPUTE, use.compute_bytes, translate("gauges", "Compute")),
        (Part.SLOTS, use.slot_bytes, translate("gauges", "Experts")),
    )


def _words(title: str, use: MemoryUse, parts: tuple[PartUse, ...], language: Language) -> Words:
    value = language.size_of(use.resident_bytes, use.budget_bytes)
    peak = language.size(use.peak_bytes)
    if use.peak_bytes > use.budget_bytes:
        over = language.size(use.peak_bytes - use.budget_bytes)
        detail = language.translate("gauges", "Peak {peak}, {over} above the budget").format(peak=peak, over=over)
    else:
        detail = language.translate("gauges", "Peak {peak}").format(peak=peak)
    planned = ", ".join(f"{item.name} {item.text}" for item in parts if item.n_bytes)
    sentence = language.translate("gauges", "{title}: {value} in use. {detail}. Planned: {planned}.")
    return Words(title, value, detail, sentence.format(title=title, value=value, detail=detail, planned=planned))
