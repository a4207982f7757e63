"""The command line as a process: interrupts, closed pipes, and what native code prints."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from fakes.offload_with_fake_engine import COMMAND, environment

Start = Callable[..., "subprocess.Popen[bytes]"]

pytestmark = pytest.mark.usefixtures("_default_interrupt")


@pytest.fixture
def _default_interrupt() -> Iterator[None]:
    """Let children have the interrupt that a terminal gives them, also where the test run ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a command with pipes; whatever still runs afterwards is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*argv: str, command: tuple[str, ...] = COMMAND) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen([*command, *argv], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), bufsize=0)
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def end_input(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None


def read_until(process: "subprocess.Popen[bytes]", word: bytes) -> bytes:
    """Return what the process wrote up to `word`."""
    assert process.stdout is not None
    text = b""
    while word not in text:
        piece = process.stdout.read(4096)
        assert piece, f"the output ended with {text!r}"
        text += piece
    return text


def rest(process: "subprocess.Popen[bytes]") -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_an_interrupt_while_decoding_keeps_the_text_and_exits_130(start: Start) -> None:
    process = start("generate", "endless")
    end_input(process)
    read_until(process, b"on ")
    process.send_signal(signal.SIGINT)
    code, out, err = rest(process)
    assert (code, out) == (130, b"\n")
    assert b"Traceback" not in err


def test_an_interrupt_while_the_prompt_is_computed_exits_130(start: Start) -> None:
    process = start("generate", "prefill", "--jsonl")
    end_input(process)
    read_until(process, b'"loaded"')
    process.send_signal(signal.SIGINT)
    code, out, _ = rest(process)
    assert code == 130
    assert json.loads(out.splitlines()[-1])["finish_reason"] == "cancelled"


def test_an_interrupt_while_loading_exits_130(start: Start) -> None:
    process = start("generate", "hello", "-m", "slow.gguf", "--jsonl")
    end_input(process)
    read_until(process, b'"loading"')
    process.send_signal(signal.SIGINT)
    code, out, err = rest(process)
    assert code == 130
    assert json.loads(out.splitlines()[-1])["error"]["type"] == "CancelledError"
    assert err.endswith(b"offload: The load was stopped.\n")


def test_a_second_interrupt_ends_what_does_not_stop(start: Start) -> None:
    process = start("generate", "stubborn")
    end_input(process)
    read_until(process, b"on ")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while b"again" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT


def test_an_interrupt_in_chat_stops_the_answer_and_the_conversation_goes_on(start: Start) -> None:
    process = start("chat")
    assert process.stdin is not None
    process.stdin.write(b"endless\n")
    read_until(process, b"on ")
    process.send_signal(signal.SIGINT)
    read_until(process, b"\n")
    process.stdin.write(b"hello\n")
    end_input(process)
    code, out, _ = rest(process)
    assert (code, out) == (0, b"You said: hello\n")


@pytest.mark.parametrize("argv", [("generate", "many 100000"), ("generate", "many 100000", "--jsonl")])
def test_an_output_that_nobody_reads_ends_quietly(start: Start, argv: tuple[str, ...]) -> None:
    process = start(*argv)
    end_input(process)
    assert process.stdout is not None
    process.stdout.read(1)
    process.stdout.close()
    process.stdout = None
    code, _, err = rest(process)
    assert (code, err) == (141, b"")


@pytest.mark.parametrize("argv", [(), ("plan",), ("generate", "--json", "hello")])
def test_an_output_that_was_never_open_ends_quietly_too(argv: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [*COMMAND, *argv],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.parametrize("argv", [("generate", "hello"), ("generate", "hello", "--json"), ("plan",)])
def test_a_full_disk_behind_the_output_is_told(argv: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [*COMMAND, *argv], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, env=environment()
        )
    assert (process.returncode, process.stderr) == (6, b"offload: error: No space left on device.\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_that_were_closed_before_are_no_trouble(closed: str) -> None:
    line = f'exec "{sys.executable}" -m {COMMAND[-1]} generate hello {closed}'
    process = subprocess.run(["sh", "-c", line], capture_output=True, env=environment())
    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout == (b"" if closed.startswith(">") else b"You said: hello\n")


def test_a_device_as_input_is_not_read() -> None:
    outcome = subprocess.run(
        [*COMMAND, "generate", "hello"], stdin=subprocess.DEVNULL, capture_output=True, env=environment()
    )
    assert outcome.stdout == b"You said: hello\n"


def test_a_worker_ends_with_its_input(start: Start) -> None:
    process = start("worker")
    read_until(process, b'"hello"')
    end_input(process)
    assert rest(process)[0] == 0


def test_an_interrupted_worker_exits_130(start: Start) -> None:
    process = start("worker")
    read_until(process, b'"hello"')
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


def test_a_worker_whose_events_nobody_reads_ends(start: Start) -> None:
    process = start("worker")
    assert process.stdin is not None
    assert process.stdout is not None
    read_until(process, b'"hello"')
    process.stdout.close()
    process.stdout = None
    process.stdin.write(b'{"type":"load","id":1}\n')
    assert process.wait(30) == 141
    assert rest(process)[2] == b""


NOISY = """
import os, sys
import fakes.engine
from offload.cli.main import main

def open_model(*args, **options):
    os.write(1, b"native noise\\n")
    print("python noise", flush=True)
    return real(*args, **options)

real, fakes.engine.open_model = fakes.engine.open_model, open_model
sys.modules["offload.engine"] = fakes.engine
sys.exit(main(["worker"]))
"""


def test_what_libraries_print_does_not_get_between_a_worker_s_lines(start: Start) -> None:
    process = start(command=(sys.executable, "-c", NOISY))
    assert process.stdin is not None
    process.stdin.write(b'{"type":"load","id":1}\n')
    out = read_until(process, b'"loaded"')
    end_input(process)
    _, more, err = rest(process)
    assert {json.loads(line)["type"] for line in (out + more).splitlines()} == {"hello", "loading", "loaded"}
    assert b"native noise" in err
    assert b"python noise" in err
