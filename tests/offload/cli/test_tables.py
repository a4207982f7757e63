"""Statistics as a person reads them."""

from offload.cli.tables import stats_lines
from offload.stats import DeviceMemoryUse, ForecastScore, ForecastUse, MemoryUse, PagingUse, Stats


def forecast_line(forecast: ForecastUse | None) -> str | None:
    return next((line for line in stats_lines(Stats(forecast=forecast)) if line.startswith("forecast")), None)


def test_without_forecasts_nothing_is_said_of_them() -> None:
    assert forecast_line(None) is None


def test_before_anything_was_forecast_that_is_said() -> None:
    assert forecast_line(ForecastUse()) == "forecast nothing yet"


def test_recall_and_what_became_of_the_reads_are_told() -> None:
    scores = (ForecastScore("gate ahead", 1, 0.5, None), ForecastScore("blend", 1, 0.875, 0.01))
    use = ForecastUse(scores, useful_bytes=2 << 20, late_bytes=1 << 20, wasted_bytes=1 << 20, gain=1.25)
    expected = "forecast recall 87.5% a layer ahead, 4.0 MiB read ahead, 75% of it wanted, tokens 1.25x as fast"
    assert forecast_line(use) == expected


def test_reading_ahead_that_does_not_pay_is_said_to_be_off() -> None:
    assert (
        forecast_line(ForecastUse(gain=0.97, is_paying=False)) == "forecast tokens 0.97x as fast, so forecasts are off"
    )


def test_why_a_forecaster_is_missing_is_told() -> None:
    assert forecast_line(ForecastUse(note="No router.")) == "forecast nothing yet (No router.)"


def device_line(paging: PagingUse) -> str | None:
    return next((line for line in stats_lines(Stats(paging=paging)) if line.startswith("device")), None)


def test_without_a_device_nothing_is_said_of_one() -> None:
    assert device_line(PagingUse(n_layer=2, hits=3, misses=4, bytes_read=5)) is None


def test_what_a_device_moved_is_told() -> None:
    use = PagingUse(n_layer=2, bytes_uploaded=3 << 20, bytes_downloaded=1 << 20, host_hits=7, host_misses=1)
    assert device_line(use) == "device   3.0 MiB uploaded, 1.0 MiB downloaded, cache in RAM hit 87.5% of 8"


def test_rows_computed_on_the_cpu_are_told() -> None:
    line = device_line(PagingUse(n_layer=2, cpu_rows=9))
    assert line is not None
    assert line.endswith("cache in RAM hit 100.0% of 0, 9 rows computed on the CPU")


def test_both_memories_are_told_by_what_lies_in_them() -> None:
    device = DeviceMemoryUse("CUDA0", 6 << 30, dense_bytes=1 << 30, kv_bytes=512 << 20, slot_bytes=4 << 30)
    memory = MemoryUse(8 << 30, resident_bytes=5 << 30, peak_bytes=6 << 30, host_bytes=4 << 30, device=device)
    assert stats_lines(Stats(memory))[-2:] == [
        "memory   5.0 GiB now, 6.0 GiB at most of 8.0 GiB, 4.0 GiB for experts",
        "         5.5 GiB of 6.0 GiB on CUDA0: weights 1.0 GiB, context 512.0 MiB, slots 4.0 GiB",
    ]


def test_without_a_device_there_is_one_memory() -> None:
    memory = MemoryUse(8 << 30, resident_bytes=5 << 30, peak_bytes=6 << 30)
    assert stats_lines(Stats(memory))[-1] == "memory   5.0 GiB now, 6.0 GiB at most of 8.0 GiB"
