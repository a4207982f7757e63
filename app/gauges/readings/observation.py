"""What was seen of a run so far: everything the gauges are read from, one frozen value per moment."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from offload.protocol import StatsEvent
from offload_app.gauges.readings.device_memory import DeviceMemoryReading, read_device_memory
from offload_app.gauges.readings.disk import DiskReading, read_disk, recent_disk_rate
from offload_app.gauges.readings.heat_map import HeatMapReading, read_heat_map
from offload_app.gauges.readings.history import History
from offload_app.gauges.readings.hit_rate import HitRateReading, read_hit_rate, recent_hit_rate
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.memory import MemoryReading, read_memory
from offload_app.gauges.readings.report_card import ReportCardReading, read_report_card
from offload_app.gauges.readings.speed import SpeedReading, read_speed, recent_speed
from offload_app.gauges.readings.trend import Trend

JUST_READ_SECONDS = 1.0
"""How long an expert that was read is shown as such."""


class Snapshot(NamedTuple):
    """The residency of one moment, as the protocol sends it."""

    at_seconds: float
    residency: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen up to the last event; as it is made, nothing."""

    event: StatsEvent | None = None
    history: History = field(default_factory=History)
    hits: Trend = field(default_factory=Trend)
    speed: Trend = field(default_factory=Trend)
    disk: Trend = field(default_factory=Trend)
    snapshots: tuple[Snapshot, ...] = ()
    """Of the last `JUST_READ_SECONDS`, oldest first; the last two always."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What all gauges show at one moment."""

    memory: MemoryReading
    device_memory: DeviceMemoryReading
    hit_rate: HitRateReading
    speed: SpeedReading
    disk: DiskReading
    heat_map: HeatMapReading
    report_card: ReportCardReading


def observe(seen: Observation, at_seconds: float, event: StatsEvent) -> Observation:
    """Return what has been seen once `event` arrived; of another model than before: that event alone.

    `at_seconds` is of a clock that only goes forward.
    """
    if not event.loaded:
        return Observation(event)
    if not seen.history.is_continued_by(event.stats):
        seen = Observation()
    history = seen.history.extended(at_seconds, event.stats)
    seen = replace(seen, event=event, history=history, snapshots=_snapshots(seen.snapshots, at_seconds, event))
    if not history.is_active:
        return seen
    change = history.change()
    return replace(
        seen,
        hits=seen.hits.extended(at_seconds, recent_hit_rate(change)),
        speed=seen.speed.extended(at_seconds, recent_speed(history.decode_change())),
        disk=seen.disk.extended(at_seconds, recent_disk_rate(change)),
    )


def read_all(seen: Observation, language: Language) -> Readings:
    """Return what the gauges show of what was seen."""
    now = seen.snapshots[-1].residency if seen.snapshots else ()
    before = seen.snapshots[0].residency if seen.snapshots else ()
    return Readings(
        memory=read_memory(seen.event, language),
        device_memory=read_device_memory(seen.event, language),
        hit_rate=read_hit_rate(seen.event, seen.history, seen.hits, language),
        speed=read_speed(seen.event, seen.speed, language),
        disk=read_disk(seen.event, seen.history, seen.disk, language),
        heat_map=read_heat_map(seen.event, now, before, language),
        report_card=read_report_card(seen.event, language),
    )


def _snapshots(known: tuple[Snapshot, ...], at_seconds: float, event: StatsEvent) -> tuple[Snapshot, ...]:
    if not event.residency:
        return known
    young = tuple(item for item in known[:-1] if at_seconds - item.at_seconds <= JUST_READ_SECONDS)
    return (*young, *known[-1:], Snapshot(at_seconds, event.residency))
