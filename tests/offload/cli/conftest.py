"""What the tests of the command line share: a way to run a command against the fake engine, in this process."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import fakes.engine
from fakes.engine import FakeEngine
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
