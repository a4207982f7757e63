"""The gauge of a compute device's memory: the plan by part against its budget. Nothing of it is measured.

Where the CPU computes alone there is no such memory, and nothing is shown.
"""

from dataclasses import dataclass

from offload.protocol import DeviceMemoryUse, StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import Part, PartUse, parts_of_model
from offload_app.gauges.readings.words import Known, Words, words_without_value


@dataclass(frozen=True, slots=True)
class DeviceMemoryReading:
    """What the gauge shows. `parts` are those that lie there, and what is left free; together `whole_bytes`."""

    words: Words
    parts: tuple[PartUse, ...] = ()
    is_there: bool = False
    """Whether a device computes."""

    @property
    def whole_bytes(self) -> int:
        """The budget, or the sum of the parts where that is more."""
        return sum(use.n_bytes for use in self.parts)


def read_device_memory(event: StatsEvent | None, language: Language) -> DeviceMemoryReading:
    """Return what the gauge shows of `event`."""
    use = event.stats.memory.device if event is not None and event.loaded else None
    if use is None:
        title = language.translate("gauges", "GPU memory")
        return DeviceMemoryReading(words_without_value(Known.NO_MODEL, title, language))
    parts = _parts(use, language)
    return DeviceMemoryReading(_words(use, parts, language), parts, is_there=True)


def _parts(use: DeviceMemoryUse, language: Language) -> tuple[PartUse, ...]:
    translate = language.translate
    named = (
        *parts_of_model(use, language),
        (Part.STAGING, use.staging_bytes, translate("gauges", "Staging")),
        (Part.FREE, max(0, use.budget_bytes - use.total_bytes), translate("gauges", "Free")),
    )
    return tuple(PartUse(part, n_bytes, name, language.size(n_bytes)) for part, n_bytes, name in named)


def _words(use: DeviceMemoryUse, parts: tuple[PartUse, ...], language: Language) -> Words:
    title = language.translate("gauges", "Memory of {device}").format(device=use.name)
    value = language.size_of(use.total_bytes, use.budget_bytes)
    detail = language.translate("gauges", "Taken as a whole when the model is loaded")
    planned = ", ".join(f"{item.name} {item.text}" for item in parts if item.n_bytes)
    sentence = language.translate("gauges", "{title}: {value} taken: {planned}.")
    return Words(title, value, detail, sentence.format(title=title, value=value, planned=planned))
