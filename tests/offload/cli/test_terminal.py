"""What a screen gets, and what a pipe gets instead."""

import io
import os
import signal
import subprocess
from collections.abc import Mapping

import pytest

from fakes.offload_with_fake_engine import COMMAND, environment
from offload.cli.terminal import Terminal


class Screen(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def terminal(
    *, stdout: io.StringIO | None = None, stderr: io.StringIO | None = None, variables: Mapping[str, str] | None = None
) -> tuple[Terminal, io.StringIO, io.StringIO]:
    out, err = stdout or io.StringIO(), stderr or io.StringIO()
    return Terminal(None, out, err, variables or {}), out, err


def test_control_characters_of_an_answer_do_not_reach_a_screen() -> None:
    screen, out, _ = terminal(stdout=Screen())
    screen.write("a\x1b[2Jb\n\tc\x9b\x07")
    assert out.getvalue() == "a[2Jb\n\tc"


def test_a_pipe_gets_an_answer_as_it_is() -> None:
    pipe, out, _ = terminal()
    pipe.write("a\x1b[2Jb")
    assert out.getvalue() == "a\x1b[2Jb"


def test_errors_are_coloured_on_a_screen_only() -> None:
    screen, _, seen = terminal(stderr=Screen())
    pipe, _, piped = terminal()
    screen.complain("no")
    pipe.complain("no")
    assert seen.getvalue() == "offload: \x1b[31;1merror\x1b[0m: no\n"
    assert piped.getvalue() == "offload: error: no\n"


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(variables: dict[str, str]) -> None:
    screen, _, seen = terminal(stderr=Screen(), variables=variables)
    screen.complain("no")
    assert seen.getvalue() == "offload: error: no\n"


def test_progress_is_one_line_on_a_screen_and_goes_before_the_next_words() -> None:
    screen, out, seen = terminal(stderr=Screen())
    screen.progress("loading", 0.5)
    screen.progress("loading", 0.5)
    screen.say("done")
    assert seen.getvalue() == "\rloading [############............]  50%\x1b[K\r\x1b[Kdone\n"
    assert out.getvalue() == ""


def test_progress_is_not_shown_to_a_pipe() -> None:
    pipe, out, err = terminal()
    pipe.progress("loading", 0.5)
    assert out.getvalue() + err.getvalue() == ""


def test_without_standard_input_nothing_is_piped_in() -> None:
    pipe, _, _ = terminal()
    assert pipe.piped_text() == ""
    assert pipe.read_line("> ") is None


def test_a_typed_conversation() -> None:
    import pty

    ours, theirs = pty.openpty()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*COMMAND, "chat"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment() | {"TERM": "dumb"}
        )
    finally:
        signal.signal(signal.SIGINT, before)
    os.close(theirs)
    seen = b""

    def wait_for(word: bytes) -> None:
        nonlocal seen
        while word not in seen:
            seen += os.read(ours, 4096)
        seen = seen.split(word, 1)[1]

    wait_for(b"> ")
    os.write(ours, b"hello\n")
    wait_for(b"You said: hello")
    wait_for(b"> ")
    os.write(ours, b"endless\n")
    wait_for(b"on ")
    process.send_signal(signal.SIGINT)
    wait_for(b"> ")
    os.write(ours, b"\x04")
    assert process.wait(30) == 0
    os.close(ours)
