"""`offload pack`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_the_store_lies_beside_the_model(offload: Run, tmp_path: Path) -> None:
    outcome = offload("pack", str(tmp_path / "m.gguf"))
    assert outcome.code == 0
    assert outcome.err == f"{tmp_path / 'm.interleaved.pack'}: 6 B\n"


def test_output_and_layout_are_chosen(offload: Run, tmp_path: Path) -> None:
    outcome = offload("pack", "-m", str(tmp_path / "m.gguf"), "--layout", "plain", "-o", str(tmp_path / "s"), "--json")
    assert outcome.json == {"output": str(tmp_path / "s"), "bytes": 6}


def test_a_store_that_is_there_is_replaced_only_with_force(offload: Run, tmp_path: Path) -> None:
    argv = ("pack", str(tmp_path / "m.gguf"))
    assert [offload(*argv).code, offload(*argv).code, offload(*argv, "--force").code] == [0, 2, 0]


@pytest.mark.parametrize("argv", [("pack",), ("pack", "a.gguf", "-m", "b.gguf")])
def test_one_model_is_needed(offload: Run, argv: tuple[str, ...]) -> None:
    assert offload(*argv).code == 2
