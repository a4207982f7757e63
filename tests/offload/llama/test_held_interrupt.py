"""Ctrl-C while native code runs."""

import os
import signal
import threading
from pathlib import Path

import pytest

from fakes.llama_models import open_context
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.llama.context import LlamaContext
from offload.llama.held_interrupt import HeldInterrupt


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_is_noted_and_raised_by_nobody() -> None:
    with HeldInterrupt() as held:
        interrupt()
    assert held.came
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_afterwards_it_is_raised_as_ever() -> None:
    with HeldInterrupt() as held:
        pass
    assert not held.came
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_who_has_a_handler_keeps_it() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        with HeldInterrupt() as held:
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert came == [signal.SIGINT]
    assert not held.came


def test_other_threads_hold_nothing() -> None:
    found: list[bool] = []

    def work() -> None:
        with HeldInterrupt():
            found.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)


def test_a_batch_that_is_interrupted_ends_at_its_next_node_and_leaves_nothing(path: Path) -> None:
    with open_context(path) as context:
        context.decode([1, 2, 3], position=0)
        asked = 0

        def abort() -> bool:
            nonlocal asked
            asked += 1
            if asked == 3:
                interrupt()
            return False

        context.set_abort(abort)
        with pytest.raises(KeyboardInterrupt):
            context.decode(list(range(4, 20)), position=3)
        assert asked == 3
        assert context.n_past == 3
        expect_to_go_on(context)


def expect_to_go_on(context: LlamaContext) -> None:
    context.set_abort(None)
    context.decode([4], position=context.n_past)
    assert context.n_past == 4
