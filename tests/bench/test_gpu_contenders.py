"""Who takes part on a GPU, with which commands, and what of a model fits its memory."""

import pytest

from bench.gpu_contenders import (
    ALL_LAYERS,
    GpuContender,
    Sizes,
    Way,
    command,
    contenders,
    n_cpu_moe,
    slots_of_share,
)

SIZES = Sizes("CUDA0", 900, 300, {0.25: 70, 0.5: 110}, {0.25: 6, 0.5: 4})


def test_every_way_is_measured_and_those_with_slots_at_every_share() -> None:
    found = contenders([0.25, 0.5], whole_fits=True)
    assert len(set(found)) == len(found)
    assert {contender.way for contender in found} == set(Way)
    for way in (Way.COPY, Way.AUTO, Way.COMPUTE, Way.SPLIT, Way.COPY_LIMITED):
        assert [contender.share for contender in found if contender.way is way] == [0.25, 0.5]


def test_a_model_that_the_gpu_does_not_hold_is_not_tried_there() -> None:
    assert Way.WHOLE not in {contender.way for contender in contenders([0.25], whole_fits=False)}


@pytest.mark.parametrize(
    ("room_bytes", "n_layers"), [(100, 0), (60, 0), (59, 2), (40, 2), (39, 3), (20, 3), (19, 4), (0, 4)]
)
def test_the_static_split_leaves_as_few_layers_to_the_cpu_as_fit(room_bytes: int, n_layers: int) -> None:
    assert n_cpu_moe([0, 20, 20, 20], room_bytes) == n_layers


@pytest.mark.parametrize(("share", "n_slots"), [(0.01, 8), (0.25, 32), (0.5, 64), (1.0, 128), (2.0, 128)])
def test_slots_of_a_share_are_no_fewer_than_a_token_routes_to(share: float, n_slots: int) -> None:
    assert slots_of_share(share, 128, 8) == n_slots


@pytest.mark.parametrize(
    ("way", "n_layers", "weights"),
    [
        (Way.WHOLE, 0, "plain-experts"),
        (Way.CPU_MOE, ALL_LAYERS, "plain-experts"),
        (Way.CPU_MOE_INTERLEAVED, ALL_LAYERS, "interleaved"),
        (Way.SPLIT, 6, "plain-experts"),
        (Way.SPLIT_INTERLEAVED, 6, "interleaved"),
        (Way.MMAP_LIMITED, ALL_LAYERS, "mmap"),
    ],
)
def test_llama_cpp_leaves_to_the_cpu_what_the_way_says(way: Way, n_layers: int, weights: str) -> None:
    line = command(GpuContender(way, 0.25), SIZES)
    assert line[1:3] == ["-m", "bench.plain_llama"]
    assert _options(line) == {"--weights": weights, "--device": "CUDA0", "--n-cpu-moe": str(n_layers)}


@pytest.mark.parametrize(
    ("way", "memory", "on_miss"),
    [
        (Way.COPY, "900", "copy"),
        (Way.AUTO, "900", "auto"),
        (Way.COMPUTE, "900", "compute"),
        (Way.COPY_LIMITED, "300", "copy"),
        (Way.AUTO_LIMITED, "300", "auto"),
    ],
)
def test_offload_has_the_budgets_of_its_share(way: Way, memory: str, on_miss: str) -> None:
    line = command(GpuContender(way, 0.5), SIZES)
    assert line[1:3] == ["-m", "bench.offload_run"]
    assert _options(line) == {
        "--store": "gguf",
        "--memory-bytes": memory,
        "--vram-bytes": "110",
        "--device": "CUDA0",
        "--on-miss": on_miss,
    }


def _options(line: list[str]) -> dict[str, str]:
    return dict(zip(line[3::2], line[4::2], strict=True))
