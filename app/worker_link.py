"""The link to a worker: a process that speaks the protocol, from its hello to its end.

    start ──▶ waiting for hello ──hello──▶ linked ──shutdown──▶ shutting down ──▶ ended
                 └─ too long silent, another protocol ─▶ killed ─▶ ended   └─ too long ─▶ killed ─▶ ended

Invariants, each with its test in tests/app/test_worker_link.py:
1. The first event given is the hello of this protocol; without it nothing is given but the end.
2. A line that is no event is skipped and kept among the worker's last words; too many in a row end the worker.
3. A worker that does not say hello, or ignores a shutdown, is killed when patience is over.
4. The end is told once, with the first cause, after every event; nothing is told after `close`.

Thread rule: the thread of Qt's event loop only.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer

from offload.protocol import PROTOCOL_VERSION, Hello, Shutdown
from offload.protocol_lines import Event, ProtocolError, decode_event, encode
from offload_app.engine_state import Patience
from offload_app.worker_death import DeathCause, ProcessEnd
from offload_app.worker_process import WorkerProcess

MAX_NONSENSE_LINES = 200
"""In a row; a worker that says more that is no event is ended."""

_SHOWN_OF_A_LINE = 120


class WorkerLink(QObject):
    """One worker; `on_event` is given what it says, `on_end` how it ended."""

    def __init__(
        self,
        command: Sequence[str],
        patience: Patience,
        *,
        on_event: Callable[[Event], None],
        on_end: Callable[[ProcessEnd], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._patience = patience
        self._on_event = on_event
        self._on_end = on_end
        self._is_linked = False
        self._is_closing = False
        self._n_nonsense = 0
        self._impatience = QTimer(self, singleShot=True)
        self._impatience.timeout.connect(self._on_patience_over)
        self._process = WorkerProcess(command, on_line=self._on_line, on_end=self._tell_end, parent=self)

    def start(self) -> None:
        """Start the worker; a failure is told to `on_end`, perhaps before this returns."""
        self._impatience.start(round(self._patience.hello_seconds * 1000))
        self._process.start()

    def send(self, line: bytes) -> None:
        """Send an encoded request; lost where the worker is gone."""
        self._process.write(line)

    def shutdown(self) -> None:
        """Ask the worker to end, and kill it where it does not in time."""
        self._is_closing = True
        self._process.write(encode(Shutdown()))
        self._process.end_input()
        self._impatience.start(round(self._patience.shutdown_seconds * 1000))

    def kill(self, cause: DeathCause) -> None:
        """End the worker at once; `on_end` is told `cause`."""
        self._process.kill(cause)

    def close(self) -> None:
        """End the worker at once and wait until it is gone, telling nobody; may be called again."""
        self._impatience.stop()
        self._process.close()

    def _on_patience_over(self) -> None:
        self._process.kill(DeathCause.KILLED if self._is_closing else DeathCause.SILENT)

    def _on_line(self, line: bytes) -> None:
        try:
            event = decode_event(line)
        except ProtocolError as error:
            self._skip(line, error)
            return
        self._n_nonsense = 0
        if self._is_linked:
            self._on_event(event)
        elif isinstance(event, Hello):
            self._greet(event)

    def _greet(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            self._process.kill(DeathCause.OTHER_PROTOCOL)
            return
        self._is_linked = True
        if not self._is_closing:
            self._impatience.stop()
        self._on_event(hello)

    def _skip(self, line: bytes, error: ProtocolError) -> None:
        shown = line[:_SHOWN_OF_A_LINE].decode("utf-8", "replace")
        self._process.remember(f"no event: {shown!r}: {error.message}")
        self._n_nonsense += 1
        if self._n_nonsense > MAX_NONSENSE_LINES:
            self._process.kill(DeathCause.NONSENSE)

    def _tell_end(self, end: ProcessEnd) -> None:
        self._impatience.stop()
        self._on_end(end)
