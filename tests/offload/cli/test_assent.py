"""Asking the person at the terminal, and what is done where there is none."""

import io

import pytest

from offload.cli.assent import ask
from offload.cli.terminal import Terminal
from offload.errors import UsageError


class Typed(io.StringIO):
    """A stream at which a person sits, or looks."""

    def isatty(self) -> bool:
        return True


def terminal(answer: str | None, *, seen: bool = True) -> tuple[Terminal, io.StringIO, io.StringIO]:
    """Return a terminal where `answer` is typed; None: nobody types. `seen`: somebody looks at standard error."""
    out, err = io.StringIO(), Typed() if seen else io.StringIO()
    return Terminal(io.StringIO("n\n") if answer is None else Typed(answer), out, err, {}), out, err


@pytest.mark.parametrize("answer", ["y\n", "yes\n", " Y \n", "YES\n"])
@pytest.mark.parametrize("default", [False, True])
def test_yes_is_assent(answer: str, default: bool) -> None:
    assert ask(terminal(answer)[0], "Go on?", default=default)


@pytest.mark.parametrize("answer", ["n\n", "no\n", " No \n", ""])
@pytest.mark.parametrize("default", [False, True])
def test_no_and_the_end_of_input_are_none(answer: str, default: bool) -> None:
    assert not ask(terminal(answer)[0], "Go on?", default=default)


@pytest.mark.parametrize("default", [False, True])
def test_enter_says_what_the_question_shows_in_capitals(default: bool) -> None:
    asked, out, err = terminal("\n")
    assert ask(asked, "Go on?", default=default) is default
    assert err.getvalue() == ("Go on? [Y/n] " if default else "Go on? [y/N] ")
    assert out.getvalue() == ""


def test_what_is_neither_is_asked_again_only_where_enter_says_yes() -> None:
    asked, _, err = terminal("?\nn\n")
    assert not ask(asked, "Go on?", default=True)
    assert err.getvalue() == "Go on? [Y/n] Go on? [Y/n] "
    asked, _, err = terminal("what\ny\n")
    assert not ask(asked, "Go on?", default=False)
    assert err.getvalue() == "Go on? [y/N] "


def test_where_nobody_can_be_asked_what_is_no_by_default_takes_an_option() -> None:
    asked, _, err = terminal(None)
    with pytest.raises(UsageError) as caught:
        ask(asked, "Remove it?", default=False)
    assert "-y" in caught.value.hint
    assert err.getvalue() == ""


def test_where_nobody_sits_or_looks_what_is_yes_by_default_is_not_asked() -> None:
    unseen, _, words = terminal("n\n", seen=False)
    assert ask(terminal(None)[0], "Go on?", default=True)
    assert ask(unseen, "Go on?", default=True)
    assert ask(Terminal(None, io.StringIO(), Typed(), {}), "Go on?", default=True)
    assert words.getvalue() == ""


def test_who_types_but_does_not_look_is_asked_before_what_cannot_be_undone() -> None:
    asked, _, err = terminal("y\n", seen=False)
    assert ask(asked, "Remove it?", default=False)
    assert err.getvalue() == "Remove it? [y/N] "


def test_a_question_comes_after_the_progress_that_stood_there() -> None:
    asked, _, err = terminal("y\n")
    asked.progress("looking", 0.5)
    ask(asked, "Go on?", default=True)
    assert err.getvalue().endswith("\r\x1b[KGo on? [Y/n] ")
