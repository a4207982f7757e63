"""Asking before something that cannot be undone."""

import io

import pytest

from offload.cli.assent import ask
from offload.cli.terminal import Terminal
from offload.errors import CancelledError, UsageError


class Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> tuple[Terminal, io.StringIO, io.StringIO]:
    """Return a terminal where `answer` is typed; None: nobody types."""
    out, err = io.StringIO(), io.StringIO()

    def typed(prompt: str = "") -> str:
        assert prompt == ""
        if not answer:
            raise EOFError
        return answer.rstrip("\n")

    monkeypatch.setattr("builtins.input", typed)
    return Terminal(io.StringIO() if answer is None else Typed(answer), out, err, {}), out, err


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " Y \n"])
def test_yes_is_assent_and_the_question_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    asked, out, err = terminal(monkeypatch, answer)
    ask(asked, "Remove it?", yes=False)
    assert (out.getvalue(), err.getvalue()) == ("", "Remove it? [y/N]\n")


@pytest.mark.parametrize("answer", ["\n", "n\n", "what\n", ""])
def test_anything_else_is_not(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    with pytest.raises(CancelledError, match="Nothing was changed"):
        ask(terminal(monkeypatch, answer)[0], "Remove it?", yes=False)


def test_where_nobody_can_be_asked_it_takes_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _, err = terminal(monkeypatch, None)
    with pytest.raises(UsageError) as caught:
        ask(asked, "Remove it?", yes=False)
    assert "-y" in caught.value.hint
    ask(asked, "Remove it?", yes=True)
    assert err.getvalue() == ""
