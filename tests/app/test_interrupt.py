"""A signal of the system ends the application like a closed window."""

import os
import signal

from pytestqt.qtbot import QtBot

from offload_app.interrupt import Interrupt


def test_a_signal_is_told_while_the_event_loop_rests(qtbot: QtBot) -> None:
    interrupt = Interrupt()
    try:
        with qtbot.waitSignal(interrupt.asked):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        interrupt.close()


def test_the_handlers_of_before_are_put_back(qtbot: QtBot) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    Interrupt().close()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
