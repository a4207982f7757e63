"""A `.routes` file gives back what was written, and appears whole or not at all."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from fakes.routing_traces import make_header, random_step, same_steps
from offload.errors import DiskFullError, OffloadError, TraceFileError
from offload.routing.route_trace import Phase, RouteStep, TraceHeader
from offload.routing.trace_file import TraceWriter, read_trace
from offload.routing.trace_format import MAGIC


def make_steps(header: TraceHeader, n: int = 20) -> list[RouteStep]:
    random = np.random.default_rng(3)
    prompt = random_step(header, random, 9, phase=Phase.PREFILL)
    return [prompt, *(random_step(header, random, sequence=index % 2) for index in range(n))]


def write(path: Path, header: TraceHeader, steps: list[RouteStep]) -> None:
    with TraceWriter(path, header) as writer:
        for step in steps:
            writer.write(step)


def write_and_fail(path: Path, error: BaseException) -> NoReturn:
    header = make_header()
    with TraceWriter(path, header) as writer:
        writer.write(make_steps(header)[0])
        raise error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.routes"


@pytest.mark.parametrize(
    "header",
    [
        make_header(),
        make_header(has_weights=False),
        make_header(n_embd=6),
        make_header(3, 1000, 10),
        make_header(1, 1, 1, n_embd=1, has_weights=False),
    ],
)
def test_what_was_written_is_read(path: Path, header: TraceHeader) -> None:
    steps = make_steps(header)
    write(path, header, steps)
    trace = read_trace(path)
    assert trace.header == header
    assert all(map(same_steps, trace.steps(), steps))
    assert trace.n_steps == len(list(trace.steps())) == len(steps)
    assert trace.n_tokens == sum(len(step.tokens) for step in steps)


def test_many_pieces_are_read_in_order(path: Path) -> None:
    header = make_header(8, 128, 8)
    random = np.random.default_rng(4)
    # Half of the cells of a piece each.
    steps = [random_step(header, random, 4096) for _ in range(5)]
    write(path, header, steps)
    assert path.read_bytes().count(b"STEP") >= 3
    assert all(map(same_steps, read_trace(path).steps(), steps))


def test_a_trace_without_steps_is_read(path: Path) -> None:
    write(path, make_header(), [])
    assert list(read_trace(path).steps()) == []


def test_it_is_iterated_twice_at_once(path: Path) -> None:
    header = make_header()
    steps = make_steps(header)
    write(path, header, steps)
    trace = read_trace(path)
    pairs = list(zip(trace.steps(), trace.steps(), strict=True))
    assert len(pairs) == len(steps)
    assert all(same_steps(one, other) for one, other in pairs)


def test_router_inputs_are_left_out_when_not_asked_for(path: Path) -> None:
    header = make_header(n_embd=6)
    write(path, header, make_steps(header))
    assert all(step.inputs is None for step in read_trace(path, inputs=False).steps())


def test_arrays_may_change_after_they_were_written(path: Path) -> None:
    header = make_header()
    step = make_steps(header)[1]
    before = step.routes.copy()
    with TraceWriter(path, header) as writer:
        writer.write(step)
        step.routes[:] = 0
    (read,) = read_trace(path).steps()
    assert np.array_equal(read.routes, before)


def test_a_token_of_real_size_takes_less_than_its_numbers(path: Path) -> None:
    header = make_header(48, 128, 8)
    random = np.random.default_rng(5)
    write(path, header, [random_step(header, random) for _ in range(50)])
    # Even random routes: 7 bits for an expert, 16 at most for its weight.
    assert path.stat().st_size < 50 * 48 * 8 * 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError()])
def test_an_error_leaves_no_file(path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        write_and_fail(path, error)
    assert os.listdir(path.parent) == []


def test_an_error_leaves_the_file_that_was_there(path: Path) -> None:
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(path, KeyboardInterrupt())
    assert path.read_bytes() == b"before"
    assert os.listdir(path.parent) == [path.name]


def test_nothing_is_under_the_name_before_the_end(path: Path) -> None:
    with TraceWriter(path, make_header()):
        assert not path.exists()
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(OffloadError, match="could not be written: No such file") as caught:
        TraceWriter(path / "below" / "b.routes", make_header())
    assert caught.value.exit_code == 1


def test_a_full_disk_has_its_own_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace_fails(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", replace_fails)
    with pytest.raises(DiskFullError, match=r"too few for the trace a\.routes"):
        write(path, make_header(), [])
    assert os.listdir(path.parent) == []


def test_a_step_of_another_shape_is_refused(path: Path) -> None:
    with TraceWriter(path, make_header()) as writer:
        for step in make_steps(make_header(n_expert_used=3)):
            with pytest.raises(ValueError, match="its routes have the shape"):
                writer.write(step)


def test_a_header_of_no_trace_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="9 of 8 experts"):
        TraceWriter(path, replace(make_header(), n_expert_used=9))
    assert os.listdir(path.parent) == []


def test_a_missing_file_is_one_sentence(path: Path) -> None:
    with pytest.raises(TraceFileError, match="could not be read: No such file or directory") as caught:
        read_trace(path)
    assert caught.value.file == path
    assert caught.value.exit_code == 4


def test_a_foreign_file_is_told_as_such(path: Path) -> None:
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(TraceFileError, match="not a routing trace of offload"):
        read_trace(path)


def test_a_newer_version_is_told_as_such(path: Path) -> None:
    write(path, make_header(), [])
    content = path.read_bytes()
    path.write_bytes(MAGIC + b"\x02" + content[len(MAGIC) + 1 :])
    with pytest.raises(TraceFileError, match="format version 2, this release reads 1"):
        read_trace(path)


def test_a_file_that_was_cut_short_is_refused_at_once(path: Path) -> None:
    header = make_header()
    write(path, header, make_steps(header))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TraceFileError, match="its end is missing") as caught:
        read_trace(path)
    assert "cut short" in caught.value.hint


def test_a_damaged_piece_is_named_when_it_is_read(path: Path) -> None:
    header = make_header()
    write(path, header, make_steps(header))
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)
    with pytest.raises(TraceFileError, match="does not have its checksum") as caught:
        list(read_trace(path).steps())
    assert caught.value.offset is not None


def test_a_file_that_vanishes_is_told_when_it_is_iterated(path: Path) -> None:
    write(path, make_header(), [])
    trace = read_trace(path)
    path.unlink()
    with pytest.raises(TraceFileError, match="No such file"):
        list(trace.steps())
