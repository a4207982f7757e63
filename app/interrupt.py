"""Interrupts: has the system's wish that this process ends (Ctrl-C, logging out) end it like a closed window."""

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class Interrupt(QObject):
    """Watches the signals of the process. Thread rule: the main thread only, one at a time."""

    asked = Signal()
    """The process is asked to end."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Python runs a handler when it gets control; Qt's loop gives it none. A byte on a socket wakes it.
        self._heard, self._said = socket.socketpair()
        for end in (self._heard, self._said):
            end.setblocking(False)
        self._wakeup_before = signal.set_wakeup_fd(self._said.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in self._before:
            signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_byte)

    def close(self) -> None:
        """Leave the signals to whoever had them before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._heard.close()
        self._said.close()

    def _on_byte(self) -> None:
        numbers = self._heard.recv(64)
        if any(number in self._before for number in numbers):
            self.asked.emit()
