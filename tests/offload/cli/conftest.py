"""What the tests of the command line share: a way to run a command against the fake engine, in this process."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import fakes.engine
from fakes.engine import FakeEngine
from fakes.hub_server import FakeHub, running_hub
from offload.cli.main import main


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


RunCommand = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_models_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for no models where the user of this machine keeps them."""
    monkeypatch.delenv("OFFLOAD_MODELS", raising=False)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[FakeEngine]:
    """Return the engines the command opens."""
    engines: list[FakeEngine] = []
    real_open = fakes.engine.open_model

    def open_model(*args: Any, **options: Any) -> FakeEngine:
        engines.append(real_open(*args, **options))
        return engines[-1]

    monkeypatch.setattr(fakes.engine, "open_model", open_model)
    return engines


@pytest.fixture
def offload(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Return what runs `offload` with arguments and piped input."""
    monkeypatch.setitem(sys.modules, "offload.engine", fakes.engine)
    monkeypatch.delenv("OFFLOAD_DEBUG", raising=False)

    def run(*argv: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main(argv)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """Run a hub, which commands ask and reach past any proxy; their models folder is `tmp_path`/models."""
    with running_hub() as hub:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setenv("OFFLOAD_MODELS", str(tmp_path / "models"))
        # What a command sets of huggingface-hub's environment goes with the test.
        for name in ("TELEMETRY", "IMPLICIT_TOKEN", "PROGRESS_BARS"):
            monkeypatch.setenv(f"HF_HUB_DISABLE_{name}", "0")
        yield hub
