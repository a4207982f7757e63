"""The arithmetic of a benchmark, with numbers one can check by hand."""

import pytest

from offload.benchmark import Run, difference, prompt_of, summarise
from offload.stats import PagingUse, Speed


def run(*, decode_seconds: float = 2.0, stall_seconds: float = 1.0, bytes_read: int = 1000) -> Run:
    """Return 10 tokens decoded after 20 of prompt in half a second."""
    return Run(
        Speed(n_prompt=20, n_generated=10, prompt_seconds=0.5, decode_seconds=decode_seconds, first_token_seconds=0.6),
        decode=PagingUse(hits=30, misses=10, bytes_read=bytes_read, stall_seconds=stall_seconds),
        prefill=PagingUse(bytes_read=100),
    )


def test_rates_are_per_decoded_token() -> None:
    report = summarise([run(), run()], probed_bytes_per_second=500.0)
    assert (report.tokens_per_second, report.prompt_tokens_per_second) == (5.0, 40.0)
    assert (report.bytes_per_token, report.stall_seconds_per_token) == (100.0, 0.1)
    assert (report.hit_rate, report.first_token_seconds) == (0.75, 0.6)


def test_compute_is_the_decode_without_its_stall() -> None:
    assert summarise([run()], probed_bytes_per_second=500.0).compute_seconds_per_token == pytest.approx(0.1)


def test_the_bound_is_the_disk_where_its_time_is_longer() -> None:
    report = summarise([run()], probed_bytes_per_second=800.0)
    assert report.disk_seconds_per_token == pytest.approx(0.125)
    assert report.bound_by_disk
    assert report.bound_tokens_per_second == pytest.approx(8.0)
    assert report.share_of_bound == pytest.approx(5 / 8)


def test_the_bound_is_the_compute_where_its_time_is_longer() -> None:
    report = summarise([run()], probed_bytes_per_second=10_000.0)
    assert not report.bound_by_disk
    assert report.bound_tokens_per_second == pytest.approx(10.0)


def test_misses_that_no_cache_could_avoid_make_the_bound() -> None:
    report = summarise([run()], probed_bytes_per_second=500.0, best_hit_rate=0.875)
    assert report.disk_seconds_per_token == pytest.approx(0.2)
    assert report.unavoidable_disk_seconds_per_token == pytest.approx(0.1)
    assert summarise([run()], probed_bytes_per_second=100.0, best_hit_rate=0.875).bound_by_disk
    assert summarise([run()], probed_bytes_per_second=100.0, best_hit_rate=1.0).bound_tokens_per_second == 10.0


def test_a_run_that_hit_more_than_the_judged_one_is_at_its_best() -> None:
    report = summarise([run()], probed_bytes_per_second=500.0, best_hit_rate=0.5)
    assert report.best_hit_rate == report.hit_rate == 0.75
    assert report.unavoidable_disk_seconds_per_token == report.disk_seconds_per_token


def test_the_disk_is_as_fast_as_the_fastest_it_was_seen() -> None:
    assert summarise([run()], probed_bytes_per_second=50.0).disk_bytes_per_second == 200.0


def test_a_model_that_reads_nothing_is_bound_by_compute() -> None:
    report = summarise([run(stall_seconds=0.0, bytes_read=0)], probed_bytes_per_second=0.0)
    assert not report.bound_by_disk
    assert report.share_of_bound == pytest.approx(1.0)


def test_the_difference_counts_what_lies_between_two_readings() -> None:
    before = PagingUse(4, 8, 16, hits=1, misses=2, bytes_read=3, bytes_prefetched=4, stall_seconds=5.0)
    after = PagingUse(4, 8, 15, hits=11, misses=22, bytes_read=33, bytes_prefetched=44, stall_seconds=6.0)
    assert difference(after, before) == PagingUse(
        4, 8, 15, hits=10, misses=20, bytes_read=30, bytes_prefetched=40, stall_seconds=1.0
    )


def test_the_difference_counts_what_a_device_moved() -> None:
    before = PagingUse(bytes_uploaded=1, bytes_downloaded=2, host_hits=3, host_misses=4, cpu_rows=5)
    after = PagingUse(bytes_uploaded=11, bytes_downloaded=22, host_hits=33, host_misses=44, cpu_rows=55)
    moved = PagingUse(bytes_uploaded=10, bytes_downloaded=20, host_hits=30, host_misses=40, cpu_rows=50)
    assert difference(after, before) == moved


def test_prompts_have_their_length_repeat_and_begin_differently() -> None:
    assert len(prompt_of(50, 1).split()) == 50
    assert prompt_of(50, 1) == prompt_of(50, 1)
    assert prompt_of(50, 1).split()[0] != prompt_of(50, 2).split()[0]
