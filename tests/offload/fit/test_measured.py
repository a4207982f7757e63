"""`MeasuredRun`: what is kept of runs, and what becomes of a file that is damaged."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from offload.fit.json_file import JsonFile
from offload.fit.measured import LEAST_TOKENS, MOST_OF_MODEL, MOST_RUNS, MeasuredRun, keep_run, run_of, runs_of
from offload.stats import MemoryUse, PagingUse, Speed, Stats

RUN = MeasuredRun(
    model="aa" * 32,
    machine="a machine",
    budget_bytes=4 << 30,
    resident_share=0.5,
    n_threads=2,
    n_tokens=64,
    tokens_per_second=12.5,
    hit_rate=0.9,
    stall_seconds=0.02,
    ended=1_800_000_000,
)


@pytest.fixture
def file(tmp_path: Path) -> JsonFile:
    return JsonFile(tmp_path / "data" / "runs.json")


def test_a_run_is_found_again(file: JsonFile) -> None:
    assert keep_run(RUN, file)
    assert runs_of(RUN.model, RUN.machine, file) == [RUN]


@pytest.mark.parametrize(("model", "machine"), [("bb" * 32, RUN.machine), (RUN.model, "another machine")])
def test_of_another_model_and_on_another_machine_nothing_is_known(file: JsonFile, model: str, machine: str) -> None:
    keep_run(RUN, file)
    assert runs_of(model, machine, file) == []


def test_a_short_run_is_not_kept(file: JsonFile) -> None:
    assert not keep_run(replace(RUN, n_tokens=LEAST_TOKENS - 1), file)
    assert not file.path.exists()


def test_of_many_runs_of_a_model_the_last_are_kept(file: JsonFile) -> None:
    keep_run(replace(RUN, model="another"), file)
    for number in range(MOST_OF_MODEL + 3):
        keep_run(replace(RUN, n_tokens=100 + number), file)
    found = runs_of(RUN.model, RUN.machine, file)
    assert [run.n_tokens for run in found] == list(range(103, 103 + MOST_OF_MODEL))
    assert len(runs_of("another", RUN.machine, file)) == 1


def test_the_file_does_not_grow_for_ever(file: JsonFile) -> None:
    rows = [asdict(replace(RUN, model=str(number))) for number in range(MOST_RUNS)]
    file.write({"version": 1, "runs": rows})
    keep_run(RUN, file)
    assert len(json.loads(file.path.read_text())["runs"]) == MOST_RUNS
    assert runs_of(RUN.model, RUN.machine, file) == [RUN]


@pytest.mark.parametrize("content", [b"", b"{]", b"\x00\xff", b"[1]", b'{"version": 1, "runs": 5}', b'{"version": 9}'])
def test_a_damaged_file_says_nothing_and_is_replaced(file: JsonFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    assert runs_of(RUN.model, RUN.machine, file) == []
    assert keep_run(RUN, file)
    assert runs_of(RUN.model, RUN.machine, file) == [RUN]


@pytest.mark.parametrize(
    "change",
    [
        {"tokens_per_second": 0},
        {"tokens_per_second": "fast"},
        {"hit_rate": 2},
        {"hit_rate": None},
        {"resident_share": -1},
        {"model": 5},
        {"n_tokens": float("inf")},
        {"more": 1},
    ],
)
def test_a_run_that_makes_no_sense_is_passed_over(file: JsonFile, change: dict[str, object]) -> None:
    file.write({"version": 1, "runs": [asdict(RUN) | change, None, asdict(RUN)]})
    assert runs_of(RUN.model, RUN.machine, file) == [RUN]


def test_where_nothing_can_be_written_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not keep_run(RUN, JsonFile(tmp_path / "file" / "runs.json"))


def test_a_run_is_what_the_statistics_say() -> None:
    stats = Stats(
        memory=MemoryUse(budget_bytes=4 << 30),
        paging=PagingUse(hits=900, misses=100, stall_seconds=2.0),
        speed=Speed(n_generated=50, decode_seconds=4.0),
    )
    run = run_of(stats, "m", "here", resident_share=0.5, accesses_per_token=20, n_threads=2, now=12.9)
    assert (run.tokens_per_second, run.hit_rate, run.ended) == (12.5, 0.9, 12)
    assert run.stall_seconds == pytest.approx(2.0 * 20 / 1000)


def test_a_dense_run_never_waits() -> None:
    run = run_of(Stats(), "m", "here", resident_share=1.0, accesses_per_token=0, n_threads=2, now=1)
    assert (run.stall_seconds, run.hit_rate) == (0.0, 1.0)
