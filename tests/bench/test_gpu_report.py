"""The arithmetic of the GPU benchmark, on made-up runs."""

from dataclasses import replace

from bench.gpu_contenders import GpuContender, GpuRun, Way
from bench.gpu_report import disagreements, of_whole, table_lines, verdicts
from bench.measurement import Measurement

MEASUREMENT = Measurement(
    n_decode=64,
    open_seconds=1.0,
    first_token_seconds=5.5,
    first_token_at=0.0,
    prefill_seconds=4.0,
    second_prefill_seconds=None,
    first_half_tokens_per_second=9.0,
    tokens_per_second=10.0,
    slowest_token_seconds=0.2,
    peak_bytes=4 << 30,
    prefill_checksum="p",
    decode_checksum="d",
)


def run(way: Way, share: float | None = None, number: int = 0, speed: float = 10.0, checksum: str = "d") -> GpuRun:
    return GpuRun(
        GpuContender(way, share), number, replace(MEASUREMENT, tokens_per_second=speed, decode_checksum=checksum)
    )


def test_a_ratio_is_of_medians_to_the_best_of_the_others_and_its_range_of_pairs_of_a_round() -> None:
    speeds = {Way.COPY: (30, 20, 25), Way.CPU_MOE: (5, 6, 7), Way.CPU_MOE_INTERLEAVED: (10, 5, 12)}
    runs = [
        run(way, 0.25 if way is Way.COPY else None, number, speed)
        for way, of_rounds in speeds.items()
        for number, speed in enumerate(of_rounds)
    ]
    (verdict,) = verdicts(runs)
    assert verdict.claim == "decode, offload, copy, 25% / --cpu-moe"
    assert (verdict.found.median, verdict.found.low, verdict.found.high) == (2.5, 25 / 12, 4.0)
    assert verdict.passed


def test_a_split_and_mmap_are_held_against_runs_of_their_share_alone() -> None:
    runs = [
        run(Way.AUTO, 0.5, speed=11.0),
        run(Way.SPLIT, 0.5),
        run(Way.SPLIT, 0.25, speed=1.0),
        run(Way.COPY_LIMITED, 0.5, speed=99.0),
        run(Way.MMAP_LIMITED),
    ]
    found = {verdict.claim: (verdict.judged, verdict.passed) for verdict in verdicts(runs)}
    assert found == {
        "decode, offload, auto, 50% / best --n-cpu-moe": (1.1, False),
        "decode, offload, copy, limited, 50% / mmap": (9.9, False),
    }


def test_only_what_computes_all_on_the_gpu_must_give_its_logits() -> None:
    whole = run(Way.WHOLE)
    assert disagreements([whole, run(Way.COPY, 0.5), run(Way.COMPUTE, 0.5, checksum="x"), run(Way.SPLIT, 0.5)]) == []
    assert disagreements([whole, run(Way.COPY, 0.5, checksum="x")]) == [
        "offload, copy, 50%: the logits are not those of all on the GPU"
    ]
    assert disagreements([whole, run(Way.WHOLE, number=1, checksum="x")]) == [
        "llama, all on the GPU: its own logits differ from run to run"
    ]


def test_paged_is_shown_beside_all_on_the_gpu() -> None:
    runs = [run(Way.WHOLE), run(Way.COPY, 1.0, speed=9.0), run(Way.COMPUTE, 1.0)]
    assert of_whole(runs) == ["offload, copy, 100% / llama, all on the GPU: 0.90 (0.90..0.90) x"]
    assert of_whole(runs[1:]) == []


def test_the_table_has_a_line_for_each_contender() -> None:
    lines = table_lines([run(Way.CPU_MOE), run(Way.COPY, 0.25, speed=20), run(Way.COPY, 0.25, 1, speed=30)])
    assert len(lines) == 3
    assert "25.00 (20.00..30.00)" in lines[2]
