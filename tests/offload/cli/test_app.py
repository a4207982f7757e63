"""`offload app`: starts the application, or says how to install it."""

import argparse
import importlib.util
import io
from typing import Any

import pytest

from offload.cli import app
from offload.cli.main import open_application
from offload.cli.terminal import Terminal
from offload.errors import UsageError


def test_without_qt_one_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "PySide6" else real(name))
    with pytest.raises(UsageError) as raised:
        app.run(_arguments(), None)  # type: ignore[arg-type]  # the terminal is not used
    assert str(raised.value).count("\n") == 0
    assert "pip install 'offload[app]'" in str(raised.value)
    assert raised.value.exit_code == 2


def test_the_entry_of_the_desktop_is_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    def run(arguments: list[str]) -> int:
        given.append(arguments)
        return 0

    monkeypatch.setattr("offload.cli.main.main", run)
    monkeypatch.setattr("sys.argv", ["offload-app", "m.gguf"])
    assert open_application() == 0
    assert given == [["app", "m.gguf"]]


@pytest.mark.parametrize(("failure", "code", "said"), [("", 0, ""), ("No window.", 1, "offload: error: No window.\n")])
def test_the_self_test_ends_with_its_outcome(
    failure: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload_app.self_test.run_self_test", lambda: failure)
    words = io.StringIO()
    assert app.run(_arguments("--self-test"), Terminal(None, io.StringIO(), words, {})) == code
    assert words.getvalue() == said


def _arguments(*words: str) -> Any:
    parser = argparse.ArgumentParser()
    app.add_parser(parser.add_subparsers())
    return parser.parse_args(["app", *words])
