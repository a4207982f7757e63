"""A trace is opened by what its file begins with, whatever it is called."""

from pathlib import Path

import numpy as np
import pytest

from fakes.routing_traces import make_header, random_step
from offload.errors import TraceFileError
from offload.routing.csv_trace import COLUMNS
from offload.routing.open_trace import open_trace
from offload.routing.trace_file import TraceWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace"


def test_a_routes_file_is_opened(path: Path) -> None:
    header = make_header(n_embd=2)
    with TraceWriter(path, header) as writer:
        writer.write(random_step(header, np.random.default_rng(1)))
    assert open_trace(path).header == header
    assert [step.inputs is None for step in open_trace(path).steps()] == [False]
    assert [step.inputs is None for step in open_trace(path, inputs=False).steps()] == [True]


def test_a_csv_is_opened(path: Path) -> None:
    path.write_text(f"# route_trace v1\n# n_layer=4 n_expert=8 n_expert_used=2\n{COLUMNS}\n", encoding="utf-8")
    assert open_trace(path).header.layers == (0, 1, 2, 3)


def test_another_version_of_the_csv_is_told_as_such(path: Path) -> None:
    path.write_text("# route_trace v9\n", encoding="utf-8")
    with pytest.raises(TraceFileError, match="format 'route_trace v9'"):
        open_trace(path)


@pytest.mark.parametrize("content", [b"", b"GGUF", b"# route", bytes(100)])
def test_another_file_is_refused_with_what_to_give(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(TraceFileError, match=r"no routing trace. Give a .routes file"):
        open_trace(path)


def test_a_missing_file_and_a_folder_are_one_sentence(path: Path) -> None:
    with pytest.raises(TraceFileError, match="No such file or directory"):
        open_trace(path)
    with pytest.raises(TraceFileError, match="could not be read"):
        open_trace(path.parent)
