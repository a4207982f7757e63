"""The lines of the tiers: where experts were found, and how fast bytes went from one to the next."""

from fakes.stats_events import MB, paged, tiered
from offload.protocol import StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.observation import Observation, Readings, observe, read_all


def read(*events: StatsEvent) -> Readings:
    """Return what is read of events two seconds apart."""
    seen = Observation()
    for index, event in enumerate(events):
        seen = observe(seen, 2.0 * index, event)
    return read_all(seen, Language())


def test_without_a_device_there_are_no_tiers() -> None:
    readings = read(paged(), paged(hits=9, misses=1, bytes_read=8 * MB))
    assert readings.hit_rate.lines == readings.disk.lines == readings.speed.lines == ()


def test_hits_are_told_by_tier_of_the_last_seconds() -> None:
    before = tiered(hits=100, misses=100, host_hits=5, host_misses=500)
    after = tiered(hits=190, misses=110, host_hits=29, host_misses=506)
    reading = read(before, after).hit_rate
    assert reading.lines == (
        ("In the slots of CUDA0", "90 %"),
        ("Others in RAM", "80 %"),
        ("Others from disk", "20 %"),
    )
    assert reading.words.sentence.endswith(
        "since loading. In the slots of CUDA0: 90 %, Others in RAM: 80 %, Others from disk: 20 %."
    )


def test_before_two_moments_hits_are_told_since_loading() -> None:
    lines = read(tiered(hits=3, misses=1, host_hits=1, host_misses=3)).hit_rate.lines
    assert [line.text for line in lines] == ["75 %", "25 %", "75 %"]


def test_a_tier_that_was_never_asked_is_not_told() -> None:
    assert [line.name for line in read(tiered(hits=3)).hit_rate.lines] == ["In the slots of CUDA0"]


def test_rows_of_the_processor_are_told_where_there_are_any() -> None:
    lines = read(tiered(hits=3, misses=1, host_hits=3, cpu_rows=1204)).hit_rate.lines
    assert lines[-1] == ("Computed on the CPU", "1,204 rows")


def test_bytes_are_told_by_hop() -> None:
    reading = read(tiered(), tiered(bytes_read=8 * MB, bytes_uploaded=40 * MB)).disk
    assert reading.lines == (("Disk to RAM", "4.0 MB/s"), ("RAM to CUDA0", "20 MB/s"))
    assert reading.words.sentence.endswith("Disk to RAM: 4.0 MB/s, RAM to CUDA0: 20 MB/s.")


def test_bytes_that_come_back_are_told_once_any_did() -> None:
    reading = read(tiered(), tiered(bytes_read=8 * MB, bytes_downloaded=2 * MB)).disk
    assert reading.lines[-1] == ("CUDA0 to RAM", "1.0 MB/s")


def test_what_only_goes_from_ram_to_the_device_is_a_change() -> None:
    reading = read(tiered(), tiered(bytes_uploaded=MB))
    assert len(reading.disk.curve.points) == 1
