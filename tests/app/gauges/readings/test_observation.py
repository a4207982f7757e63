"""What all gauges read of a run: hit rate, speed, disk, and when there is nothing to show."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fakes.stats_events import MB, NO_MODEL, dense, paged
from offload.protocol import Speed, StatsEvent
from offload_app.gauges.readings.heat_map import Cell
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.observation import Observation, Readings, observe, read_all
from offload_app.gauges.readings.words import NO_VALUE, Known


def seen(*moments: tuple[float, StatsEvent]) -> Observation:
    found = Observation()
    for at_seconds, event in moments:
        found = observe(found, at_seconds, event)
    return found


def read(*moments: tuple[float, StatsEvent]) -> Readings:
    return read_all(seen(*moments), Language())


def words(readings: Readings) -> Sequence[str]:
    """Return the values that paging has."""
    return [item.words.value for item in (readings.hit_rate, readings.disk, readings.heat_map)]


def test_the_hit_rate_is_that_of_the_last_seconds_beside_that_of_all() -> None:
    hit_rate = read((1.0, paged(hits=0, misses=100)), (2.0, paged(hits=90, misses=110))).hit_rate
    assert (hit_rate.recent, hit_rate.overall) == (0.9, 0.45)
    assert hit_rate.words.sentence == (
        "Cache hits: 90 % in the last seconds, 45 % of 200 accesses to experts since loading."
    )


def test_what_is_read_ahead_is_no_hit() -> None:
    without = read((1.0, paged(hits=1, misses=1)), (2.0, paged(hits=2, misses=2)))
    ahead = read((1.0, paged(hits=1, misses=1)), (2.0, paged(hits=2, misses=2, bytes_prefetched=90 * MB)))
    assert ahead.hit_rate.recent == without.hit_rate.recent == 0.5


def test_without_recent_accesses_the_hit_rate_is_that_of_all() -> None:
    hit_rate = read((1.0, paged(hits=3, misses=1)), (2.0, paged(hits=3, misses=1))).hit_rate
    assert (hit_rate.recent, hit_rate.words.value) == (None, "75 %")


def test_before_any_access_there_is_no_hit_rate() -> None:
    hit_rate = read((1.0, paged()), (2.0, paged())).hit_rate
    assert (hit_rate.known, hit_rate.overall, hit_rate.words.value) == (Known.NOT_YET, None, NO_VALUE)


def test_the_disk_is_told_as_a_rate_and_as_the_share_of_time_waited() -> None:
    disk = read((1.0, paged()), (3.0, paged(bytes_read=800 * MB, stall_seconds=0.5))).disk
    assert (disk.bytes_per_second, disk.stall_share) == (400 * MB, 0.25)
    assert (disk.words.value, disk.words.detail) == ("400 MB/s", "25 % of the time spent waiting")


def test_more_waiting_than_time_is_all_of_it() -> None:
    assert read((1.0, paged()), (2.0, paged(stall_seconds=3.0))).disk.stall_share == 1.0


def test_an_idle_disk_reads_a_measured_nothing() -> None:
    disk = read((1.0, paged(bytes_read=MB)), (2.0, paged(bytes_read=MB))).disk
    assert (disk.known, disk.bytes_per_second, disk.words.value) == (Known.MEASURED, 0.0, "0 B/s")


def test_speed_is_that_of_the_answer_with_its_first_token() -> None:
    speed = read((1.0, paged(n_generated=50, decode_seconds=4.0))).speed
    assert (speed.tokens_per_second, speed.first_token_seconds) == (12.5, 1.5)
    assert speed.words.sentence == "Speed: 12.5 tokens/s. First token after 1.5 s."


def test_the_first_tokens_are_too_few_for_a_rate() -> None:
    speed = read((1.0, paged(n_generated=1, decode_seconds=0.0001))).speed
    assert (speed.known, speed.tokens_per_second, speed.words.value) == (Known.NOT_YET, None, NO_VALUE)
    assert speed.words.detail == "First token after 1.5 s"


def test_while_the_prompt_is_read_its_speed_is_told() -> None:
    event = paged()
    stats = replace(event.stats, speed=Speed(n_prompt=400, prompt_seconds=2.0))
    speed = read((1.0, replace(event, stats=stats))).speed
    assert (speed.known, speed.words.value) == (Known.NOT_YET, NO_VALUE)
    assert speed.words.sentence == "Speed: Reading the prompt: 200 tokens/s."


def test_a_dense_model_has_nothing_to_page() -> None:
    readings = read((1.0, dense()), (2.0, dense()))
    assert words(readings) == [NO_VALUE] * 3
    assert readings.disk.known is readings.hit_rate.known is readings.heat_map.known is Known.NOT_PAGED
    assert readings.memory.known is Known.MEASURED


@pytest.mark.parametrize("moments", [(), ((1.0, paged(hits=9)), (2.0, NO_MODEL))])
def test_without_a_model_nothing_is_shown(moments: tuple[tuple[float, StatsEvent], ...]) -> None:
    readings = read(*moments)
    assert words(readings) == [NO_VALUE] * 3
    assert readings.memory.known is readings.speed.known is readings.report_card.known is Known.NO_MODEL


def test_a_reload_forgets_what_was_seen() -> None:
    found = seen((1.0, paged(hits=100)), (2.0, paged(hits=200)), (3.0, paged(hits=1, misses=1)))
    assert found.hits.points == ()
    assert read_all(found, Language()).hit_rate.recent is None


def test_an_idle_model_s_readings_stay_the_same() -> None:
    found = seen((1.0, paged(hits=1, residency=("2220",))), (2.0, paged(hits=2, residency=("2220",))))
    idle = [(at / 10, paged(hits=2, residency=("2220",))) for at in range(75, 95)]
    for at_seconds, event in idle:
        found = observe(found, at_seconds, event)
    later = observe(found, 9.6, idle[0][1])
    assert read_all(later, Language()) == read_all(found, Language())


def test_an_expert_is_just_read_for_about_a_second() -> None:
    moments = [(1.0, paged(residency=("0000",)))]
    moments += [(1.0 + step / 4, paged(residency=("2000",))) for step in range(1, 9)]
    cells = [read(*moments[: n + 1]).heat_map.cell(0, 0) for n in range(9)]
    assert cells == [Cell.ABSENT, *[Cell.JUST_READ] * 4, *[Cell.READY] * 4]


def test_statistics_without_residency_leave_the_map_as_it_was() -> None:
    assert read((1.0, paged(residency=("2000",))), (1.2, paged())).heat_map.cell(0, 0) is Cell.READY
