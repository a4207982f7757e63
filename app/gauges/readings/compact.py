"""The gauges in one line: memory, cache hits and tokens a second."""

from dataclasses import dataclass

from offload_app.gauges.readings.hit_rate import HitRateReading
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import MemoryReading
from offload_app.gauges.readings.speed import SpeedReading
from offload_app.gauges.readings.words import Words


@dataclass(frozen=True, slots=True)
class CompactReading:
    """What the line shows, from left to right: a title and a value each."""

    words: Words
    segments: tuple[tuple[str, str], ...] = ()


def read_compact(
    memory: MemoryReading, hit_rate: HitRateReading, speed: SpeedReading, language: Language
) -> CompactReading:
    """Return the line of three readings."""
    shown = (memory.words, hit_rate.words, speed.words)
    sentence = " ".join(words.sentence for words in shown)
    return CompactReading(
        Words(language.translate("gauges", "Gauges"), "", "", sentence),
        tuple((words.title, words.value) for words in shown),
    )
