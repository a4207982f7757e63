"""`-hf`, the question, and the card before it."""

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.engine import FakeEngine
from fakes.hub_server import FakeHub
from offload.cli.hub_model import FitCard, obtain
from offload.cli.terminal import Terminal
from offload.errors import CancelledError
from offload.hub.client import HubClient
from offload.hub.download import Downloaded
from offload.hub.reference import HubReference
from offload.hub.repository import RemoteModel

Run = Callable[..., Any]

DATA = b"GGUF" * 1000
OPTIONS = argparse.Namespace(models_dir=None, offline=False, yes=False)


class Typed(io.StringIO):
    """A stream at which a person sits."""

    def isatty(self) -> bool:
        return True


def asked(
    answer: str, options: argparse.Namespace = OPTIONS, fit_card: FitCard | None = None
) -> tuple[str, Downloaded | None]:
    """Pull u/r at a terminal where `answer` is typed; return all that stood there, and what came of it."""
    screen = Typed()
    terminal = Terminal(Typed(answer), io.StringIO(), screen, {"NO_COLOR": "1"})
    try:
        downloaded = obtain(HubReference.parse("u/r"), options, terminal, fit_card)
    except CancelledError as error:
        terminal.say(str(error))
        return screen.getvalue(), None
    return screen.getvalue(), downloaded


@pytest.fixture
def model(hub: FakeHub) -> FakeHub:
    hub.add("u/r", {"M-Q4_K_M.gguf": DATA})
    return hub


@pytest.mark.parametrize("answer", ["\n", "y\n", "YES\n", "what?\ny\n"])
def test_yes_downloads(model: FakeHub, tmp_path: Path, answer: str) -> None:
    _, downloaded = asked(answer)
    assert downloaded is not None
    assert downloaded.path.read_bytes() == DATA


@pytest.mark.parametrize("answer", ["n\n", "No\n", ""])
def test_no_downloads_nothing(model: FakeHub, tmp_path: Path, answer: str) -> None:
    screen, downloaded = asked(answer)
    assert downloaded is None
    assert f"Download 3.9 KiB to {tmp_path / 'models' / 'u' / 'r'}? [Y/n]" in screen
    assert screen.endswith("Nothing was downloaded.\n")
    assert model.served_bytes == 0
    assert not (tmp_path / "models").exists()


def test_y_asks_nothing(model: FakeHub) -> None:
    screen, downloaded = asked("n\n", argparse.Namespace(**vars(OPTIONS) | {"yes": True}))
    assert downloaded is not None
    assert "Needed: 3.9 KiB" in screen
    assert "[Y/n]" not in screen


def test_the_card_stands_before_the_question(model: FakeHub) -> None:
    def card(client: HubClient, model: RemoteModel) -> list[str]:
        return [f"a card of {model.repo}"]

    screen, _ = asked("n\n", fit_card=card)
    assert screen.index("a card of u/r") < screen.index("[Y/n]")


def test_progress_is_drawn(model: FakeHub) -> None:
    model.add("u/r", {"M-Q4_K_M.gguf": DATA * 500})
    screen, _ = asked("y\n")
    assert "\r0 B of 1.9 MiB [....." in screen


@pytest.mark.parametrize("command", [("generate", "hello"), ("chat",)])
def test_hf_downloads_once_and_then_asks_nobody(
    offload: Run, model: FakeHub, opened: list[FakeEngine], tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert offload(*command, "-hf", "u/r").code == 0
    asked_before = len(model.asked)
    assert asked_before > 0
    assert offload(*command, "-hf", "u/r").code == 0
    assert offload(*command, "-hf", "u/r:q4_k_m", "--offline").code == 0
    assert len(model.asked) == asked_before
    path = tmp_path / "models" / "u" / "r" / "M-Q4_K_M.gguf"
    assert [engine.path for engine in opened] == [path] * 3


def test_hf_answers_on_stdout_alone(offload: Run, model: FakeHub) -> None:
    assert offload("generate", "hello", "-hf", "u/r").out == "You said: hello\n"


def test_hf_offline_is_an_error_where_nothing_is_there(offload: Run, model: FakeHub) -> None:
    assert offload("generate", "hello", "-hf", "u/r", "--offline").code == 3
    assert model.asked == []


def test_hf_takes_a_file_and_a_revision(offload: Run, hub: FakeHub, opened: list[FakeEngine]) -> None:
    hub.add("u/r", {"A.gguf": b"1", "B.gguf": b"2"}).tags["v1"] = 0
    hub.add("u/r", {"C.gguf": b"3"})
    assert offload("generate", "hello", "-hf", "u/r", "--hf-file", "B.gguf", "--hf-revision", "v1").code == 0
    assert opened[0].path.name == "B.gguf"


@pytest.mark.parametrize("argv", [("-hf", "u/r", "-m", "x.gguf"), ("--hf-file", "x.gguf"), ("--hf-revision", "v1")])
def test_options_that_contradict_are_refused(offload: Run, argv: tuple[str, ...]) -> None:
    assert offload("generate", "hello", *argv).code == 2
