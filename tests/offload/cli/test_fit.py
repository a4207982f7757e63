"""`offload fit`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.hub_server import FakeHub, Fault, PlannedFault
from fakes.measuring import FakeMeasuring
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload import engine_fit

Run = Callable[..., Any]
PARTS = ("dense_bytes", "kv_bytes", "compute_bytes", "slot_bytes", "capacity")


@pytest.fixture(autouse=True)
def measuring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeMeasuring:
    """Return a made-up machine that was not measured yet."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    fake = FakeMeasuring()
    monkeypatch.setattr(engine_fit, "RealMeasuring", lambda: fake)
    return fake


def test_the_card_is_printed_and_measuring_is_told(offload: Run) -> None:
    outcome = offload("fit", "--memory", "1G")
    assert outcome.code == 0
    assert "Predicted: " in outcome.out
    assert "hit rate  tokens/s" in outcome.out
    assert outcome.err.splitlines() == ["measuring the processor ...", "measuring the disk ..."]
    assert offload("fit", "--memory", "1G").err == ""


def test_it_is_measured_again_on_demand(offload: Run, measuring: FakeMeasuring) -> None:
    offload("fit", "--memory", "1G")
    measuring.asked.clear()
    offload("fit", "--memory", "1G", "--probe")
    assert "disk" in measuring.asked


def test_all_numbers_as_json(offload: Run) -> None:
    found = offload("fit", "--memory", "1G", "-c", "512", "--json").json
    assert found["fits"]
    assert found["plan"]["n_ctx"] == 512
    speed = found["prediction"]["tokens_per_second"]
    assert 0 < speed["low"] < speed["middle"] < speed["high"]
    assert len(found["budgets"]) > 2


def test_a_budget_below_the_floor_is_exit_code_5_with_the_table(offload: Run) -> None:
    outcome = offload("fit", "--memory", "1M")
    assert outcome.code == 5
    assert "Does not fit: The budget is 1.0 MiB, but the model needs at least" in outcome.out
    assert "Raise --memory" in outcome.out
    assert "hit rate  tokens/s" in outcome.out


def test_a_budget_below_the_floor_as_json_has_error_and_table(offload: Run) -> None:
    outcome = offload("fit", "--memory", "1M", "--json")
    assert outcome.code == 5
    assert outcome.json["error"]["type"] == "BudgetError"
    assert outcome.json["plan"] is None
    assert outcome.json["budgets"]


def test_a_name_of_the_models_folder_is_enough(offload: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path))
    build_tiny_model(tmp_path / "Wise-Owl-Q4_K_M.gguf", TinyArchitecture.QWEN3MOE)
    assert "Predicted: " in offload("fit", "wise-owl", "--memory", "1G").out


@pytest.mark.parametrize("where", ["/api/", "/cdn/"])
def test_a_hub_that_cannot_be_reached_says_nothing_of_downloads(
    offload: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.add("u/r", {"M-Q4_K_M.gguf": b"GGUF" * 1000})
    hub.faults = [PlannedFault(Fault.STATUS, 503, where)] * 6
    outcome = offload("fit", "u/r", "--json")
    assert outcome.code == 7
    assert outcome.json["error"]["hint"] == "Check the connection and try again."
    assert "kept" not in outcome.err + outcome.out


def test_of_a_model_on_the_hub_only_the_header_comes(offload: Run, hub: FakeHub, tmp_path: Path) -> None:
    local = build_tiny_model(tmp_path / "M-Q4_K_M.gguf", TinyArchitecture.QWEN3MOE)
    whole = local.read_bytes() + bytes(8 << 20)  # weights that nobody asks for
    hub.add("u/r", {"M-Q4_K_M.gguf": whole})
    found = offload("fit", "u/r", "--memory", "1G", "--json").json
    same = offload("fit", str(local), "--memory", "1G", "--json").json["plan"]
    assert [found["plan"][part] for part in PARTS] == [same[part] for part in PARTS]
    assert 0 < hub.served_bytes < 1 << 20
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["models/absent.gguf", "none", "u/r"])
def test_the_hub_is_not_asked_for_what_looks_like_a_path(
    offload: Run, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "u").mkdir()
    monkeypatch.chdir(tmp_path)
    assert offload("fit", name).code == 3
    assert hub.asked == []


def test_a_model_that_is_not_there_is_exit_code_3(offload: Run, tmp_path: Path) -> None:
    outcome = offload("fit", str(tmp_path / "none.gguf"), "--json")
    assert outcome.code == 3
    assert outcome.json["error"]["type"] == "ModelNotFoundError"


def test_a_file_that_is_no_model_is_exit_code_4(offload: Run, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Read me\n")
    assert offload("fit", str(tmp_path / "README.md")).code == 4


@pytest.mark.parametrize(
    "arguments", [("--memory", "banana"), ("--memory", "0%"), ("a.gguf", "-m", "b.gguf"), ("-c", "x")]
)
def test_arguments_that_make_no_sense_are_exit_code_2(offload: Run, arguments: tuple[str, ...]) -> None:
    outcome = offload("fit", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("offload: error: ")
