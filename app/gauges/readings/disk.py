"""The disk gauge: how fast experts are read, and how much of the time the model waits for them."""

from dataclasses import dataclass

from offload.protocol import StatsEvent
from offload_app.gauges.readings.history import Change, History
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.tiers import TierLine, hop_lines, with_lines
from offload_app.gauges.readings.trend import NO_CURVE, Curve, Trend, curve_of
from offload_app.gauges.readings.words import Known, Words, words_without_value


@dataclass(frozen=True, slots=True)
class DiskReading:
    """What the disk gauge shows of the last seconds; None where nothing was measured."""

    known: Known
    words: Words
    curve: Curve = NO_CURVE
    bytes_per_second: float | None = None
    stall_share: float | None = None
    """Share of the time, 0 to 1."""
    lines: tuple[TierLine, ...] = ()
    """Of each way between two tiers, where a device computes."""


def recent_disk_rate(change: Change | None) -> float | None:
    """Return the bytes read a second; None before two moments are known."""
    return change.n_bytes_read / change.seconds if change is not None else None


def read_disk(event: StatsEvent | None, history: History, trend: Trend, language: Language) -> DiskReading:
    """Return what the disk gauge shows of `event` and of the seconds before it."""
    title = language.translate("gauges", "Disk")
    change = history.change()
    known = _known(event, change)
    if event is None or change is None or known is not Known.MEASURED:
        return DiskReading(known, words_without_value(known, title, language))
    rate = change.n_bytes_read / change.seconds
    stall = min(1.0, change.stall_seconds / change.seconds)
    value = language.data_rate(rate)
    detail = language.translate("gauges", "{share} of the time spent waiting").format(share=language.percent(stall))
    read = language.size(event.stats.paging.bytes_read)
    sentence = language.translate(
        "gauges", "{title}: {value} read in the last seconds, {detail}; {read} read since loading."
    )
    lines = hop_lines(event, change, language)
    said = with_lines(sentence.format(title=title, value=value, detail=detail, read=read), lines)
    return DiskReading(known, Words(title, value, detail, said), curve_of(trend), rate, stall, lines)


def _known(event: StatsEvent | None, change: Change | None) -> Known:
    if event is None or not event.loaded:
        return Known.NO_MODEL
    if event.stats.paging.n_layer == 0:
        return Known.NOT_PAGED
    return Known.MEASURED if change is not None else Known.NOT_YET
