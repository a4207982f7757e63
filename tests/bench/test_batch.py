"""The batch benchmark, small: both ways run, and their answers agree."""

from pathlib import Path

import pytest

from bench.batch import main
from fakes.tiny_models import TinyArchitecture, build_tiny_model

pytestmark = pytest.mark.bench


def test_one_by_one_and_batch_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = build_tiny_model(tmp_path / "tiny.gguf", TinyArchitecture.QWEN3MOE, n_expert=32, n_expert_used=4)
    assert main(["-m", str(model), "--share", "0.3", "-n", "4", "-np", "4", "-t", "1"]) == 0
    assert "the same answers" in capsys.readouterr().out


def test_a_missing_model_is_a_usage_error(tmp_path: Path) -> None:
    assert main(["-m", str(tmp_path / "none.gguf")]) == 2
