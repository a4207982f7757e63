"""The fit card of a model on the hub, shown before it is downloaded."""

import io
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub
from fakes.measuring import FakeMeasuring
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload import engine_fit
from offload.cli.hub_fit import card_before_download
from offload.cli.hub_model import hub_client
from offload.cli.terminal import Terminal
from offload.config import EngineConfig
from offload.errors import HubError
from offload.hub.reference import HubReference
from offload.hub.repository import find_model


@pytest.fixture(autouse=True)
def _made_up_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *names, **options: str(tmp_path / "cache"))
    monkeypatch.setattr(engine_fit, "RealMeasuring", FakeMeasuring)


def card_of(hub: FakeHub, tmp_path: Path) -> list[str]:
    terminal = Terminal(None, io.StringIO(), io.StringIO(), {})
    client = hub_client(terminal)
    lines = card_before_download(tmp_path / "models", EngineConfig(memory="1G"), terminal)
    return list(lines(client, find_model(client, HubReference.parse("u/r"))))


def test_it_says_how_fast_the_model_will_be(hub: FakeHub, tmp_path: Path) -> None:
    model = build_tiny_model(tmp_path / "M-Q4_K_M.gguf", TinyArchitecture.QWEN3MOE)
    hub.add("u/r", {"M-Q4_K_M.gguf": model.read_bytes()})
    assert any(line.startswith("Predicted: ") for line in card_of(hub, tmp_path))


def test_a_header_that_cannot_be_read_forbids_no_download(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("u/r", {"M-Q4_K_M.gguf": b"no model at all"})
    (line,) = card_of(hub, tmp_path)
    assert line.startswith("How it will run here cannot be told: ")
    assert "GGUF" in line


def test_what_the_hub_refuses_is_its_error(hub: FakeHub, tmp_path: Path) -> None:
    model = build_tiny_model(tmp_path / "M-Q4_K_M.gguf", TinyArchitecture.QWEN3MOE)
    hub.add("u/r", {"M-Q4_K_M.gguf": model.read_bytes()}, gated=True)
    with pytest.raises(HubError):
        card_of(hub, tmp_path)
