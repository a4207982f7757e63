"""The benchmark's arithmetic, on made-up measurements."""

from dataclasses import replace

import pytest

from bench.contenders import Contender, Run
from bench.measurement import Measurement
from bench.report import Verdict, disagreements, table_lines, verdicts

MIB = 1 << 20


def run(
    contender: Contender,
    number: int = 0,
    *,
    speed: float = 1.0,
    prefill: float = 1.0,
    warm_prefill: float | None = 1.0,
    first_token: float = 2.0,
    peak_mib: int = 100,
    n_decode: int = 64,
    answer: str = "same",
) -> Run:
    measurement = Measurement(
        n_decode=n_decode,
        open_seconds=0.5,
        first_token_seconds=first_token,
        first_token_at=0.0,
        prefill_seconds=prefill,
        second_prefill_seconds=warm_prefill,
        first_half_tokens_per_second=speed,
        tokens_per_second=speed,
        slowest_token_seconds=1.0,
        peak_bytes=peak_mib * MIB,
        prefill_checksum=f"prefill {answer}",
        decode_checksum=f"decode {answer}",
    )
    return Run(contender, number, measurement, start_to_first_token_seconds=3.0)


def verdict(runs: list[Run], claim: str, budget_mib: int = 4500) -> Verdict:
    (found,) = [verdict for verdict in verdicts(runs, budget_mib * MIB) if verdict.claim == claim]
    return found


def test_a_ratio_is_of_medians_and_ranges_over_pairs_of_one_round() -> None:
    runs = [run(Contender.MMAP, number, speed=speed) for number, speed in enumerate((0.5, 0.4, 0.25))]
    runs += [run(Contender.GGUF, number, speed=speed) for number, speed in enumerate((5.0, 6.0, 4.0))]
    found = verdict(runs, "decode, GGUF as it is / mmap")
    assert (found.found.median, found.found.low, found.found.high) == pytest.approx((12.5, 10.0, 16.0))
    assert found.passed


def test_a_round_that_one_side_missed_counts_for_the_median_only() -> None:
    runs = [run(Contender.MMAP, 0, speed=0.5), run(Contender.PACKED, 0, speed=9.0), run(Contender.PACKED, 1, speed=7.0)]
    found = verdict(runs, "decode, packed store / mmap")
    assert (found.found.median, found.found.low, found.found.high) == pytest.approx((16.0, 16.0, 18.0))
    assert not found.passed


def test_resident_is_compared_with_the_faster_configuration_of_llama() -> None:
    runs = [
        run(Contender.RESIDENT, speed=24.0),
        run(Contender.LLAMA_INTERLEAVED, speed=25.0),
        run(Contender.LLAMA_PLAIN_EXPERTS, speed=15.0),
    ]
    found = verdict(runs, "decode, resident / llama.cpp's best")
    assert found.judged == pytest.approx(0.96)
    assert found.passed


def test_prefill_is_compared_with_the_faster_resident_of_its_own_layout() -> None:
    runs = [
        run(Contender.PACKED, warm_prefill=5.5),
        run(Contender.RESIDENT, warm_prefill=5.0),
        run(Contender.LLAMA_INTERLEAVED, warm_prefill=4.0),
        run(Contender.LLAMA_PLAIN_EXPERTS, warm_prefill=3.0),
    ]
    found = verdict(runs, "prefill, packed store / resident in its layout, both warm")
    assert found.judged == pytest.approx(5.5 / 4.0)
    assert not found.passed


def test_the_first_prefill_is_compared_with_mmap_s_warm_one() -> None:
    runs = [run(Contender.MMAP, prefill=12.0, warm_prefill=10.0), run(Contender.GGUF, prefill=6.0, warm_prefill=5.0)]
    assert verdict(runs, "prefill, GGUF as it is, first / mmap, warm").judged == pytest.approx(0.6)
    assert verdict(runs, "prefill, GGUF as it is / mmap, both warm").judged == pytest.approx(0.5)


def test_opening_is_judged_without_the_prefill_inside_it() -> None:
    runs = [run(Contender.GGUF, prefill=5.0, first_token=6.5)]
    found = verdict(runs, "open to first decoded token beyond prefill, GGUF as it is")
    assert found.judged == pytest.approx(1.5)
    assert found.passed


def test_one_run_above_the_budget_is_a_miss_whatever_the_median() -> None:
    runs = [run(Contender.PACKED, number, peak_mib=peak) for number, peak in enumerate((4400, 4501, 4400))]
    found = verdict(runs, "peak memory of the process, packed store, every run")
    assert found.found.median == 4400
    assert not found.passed


def test_what_was_not_measured_gets_no_verdict() -> None:
    runs = [run(contender, n_decode=1, warm_prefill=None) for contender in Contender]
    claims = {found.claim.split(",")[0] for found in verdicts(runs, 4500 * MIB)}
    assert claims == {"open to first decoded token beyond prefill", "peak memory of the process"}


def test_equal_answers_within_each_layout_are_no_disagreement() -> None:
    runs = [run(contender, answer=contender.layout.value) for contender in Contender]
    assert disagreements(runs) == []


def test_a_contender_that_answers_differently_is_named() -> None:
    runs = [run(Contender.GGUF, answer="other"), run(Contender.LLAMA_PLAIN_EXPERTS), run(Contender.MMAP, answer="own")]
    after_prefill, after_decode = disagreements(runs)
    assert "prefill other of offload, GGUF; prefill same of llama, plain experts" in after_prefill
    assert "after 64 decoded tokens" in after_decode


def test_answers_after_different_numbers_of_tokens_are_not_compared() -> None:
    short, long = run(Contender.MMAP, 0, n_decode=12), run(Contender.MMAP, 1, n_decode=64)
    later = replace(long, measurement=replace(long.measurement, decode_checksum="of the last of 64"))
    assert disagreements([short, later]) == []


def test_the_table_has_a_column_per_contender_and_dashes_for_what_is_missing() -> None:
    lines = table_lines([run(Contender.MMAP, speed=0.25, warm_prefill=None), run(Contender.PACKED, speed=8.0)])
    cells = {line[:21].strip(): [cell.strip() for cell in line[21:].split("  ") if cell.strip()] for line in lines}
    assert cells["decode, tokens/s"] == ["0.25 (0.25..0.25)", "8.00 (8.00..8.00)"]
    assert cells["warm"] == ["-", "1.00 (1.00..1.00)"]
