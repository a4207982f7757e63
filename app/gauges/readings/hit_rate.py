"""The hit-rate gauge: how many of the experts that were needed lay in memory.

Of demand accesses only: an expert that was read ahead counts when it is needed, not when it is read.
"""

from dataclasses import dataclass

from offload.protocol import StatsEvent
from offload_app.gauges.readings.history import Change, History
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.tiers import TierLine, hit_lines, with_lines
from offload_app.gauges.readings.trend import NO_CURVE, Curve, Trend
from offload_app.gauges.readings.words import Known, Words, words_without_value


@dataclass(frozen=True, slots=True)
class HitRateReading:
    """What the hit-rate gauge shows; shares of 1, None where nothing was accessed."""

    known: Known
    words: Words
    curve: Curve = NO_CURVE
    recent: float | None = None
    """Of the last seconds."""
    overall: float | None = None
    """Since the model was loaded."""
    lines: tuple[TierLine, ...] = ()
    """Of each tier, where a device computes."""


def recent_hit_rate(change: Change | None) -> float | None:
    """Return the share of hits of what was accessed meanwhile; None where nothing was."""
    n_accesses = change.n_hits + change.n_misses if change is not None else 0
    return change.n_hits / n_accesses if change is not None and n_accesses else None


def read_hit_rate(event: StatsEvent | None, history: History, trend: Trend, language: Language) -> HitRateReading:
    """Return what the hit-rate gauge shows of `event` and of the seconds before it."""
    title = language.translate("gauges", "Cache hits")
    known = _known(event)
    if event is None or known is not Known.MEASURED:
        return HitRateReading(known, words_without_value(known, title, language))
    paging = event.stats.paging
    recent, overall = recent_hit_rate(history.change()), paging.hit_rate
    lines = hit_lines(event, history.change(), language)
    value = language.percent(overall if recent is None else recent)
    numbers = {
        "share": language.percent(overall),
        "n": language.number(paging.hits + paging.misses),
    }
    detail = language.translate("gauges", "{share} of {n} since loading").format(**numbers)
    if recent is None:
        sentence = language.translate("gauges", "{title}: {share} of {n} accesses to experts since loading.")
    else:
        sentence = language.translate(
            "gauges", "{title}: {value} in the last seconds, {share} of {n} accesses to experts since loading."
        )
    said = with_lines(sentence.format(title=title, value=value, **numbers), lines)
    return HitRateReading(known, Words(title, value, detail, said), Curve(trend.points), recent, overall, lines)


def _known(event: StatsEvent | None) -> Known:
    if event is None or not event.loaded:
        return Known.NO_MODEL
    paging = event.stats.paging
    if paging.n_layer == 0:
        return Known.NOT_PAGED
    return Known.MEASURED if paging.hits + paging.misses else Known.NOT_YET
