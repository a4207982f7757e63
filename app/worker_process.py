"""The worker's process: bytes of its output become lines, within a time per turn of the event loop and within memory.

    start ──▶ running ──▶ ended, output left to read ──▶ every line given, `on_end` called once
       └────── cannot be started ───────────────────────▶ `on_end` called once

    standard output → pipe → QProcess → one chunk → LineBuffer → on_line
                        └── not read while lines wait: the worker then waits too

Invariants, each with its test in tests/app/test_worker_process.py:
1. Every complete line is given in order, then `on_end` is called once; after that nothing.
2. Lines are given for at most `TURN_SECONDS` before the event loop has its turn; one line is never split.
3. While lines wait the pipe is not read; where Qt does not allow that, a worker that is too far ahead is ended.
4. Of standard error the last `KEPT_LINES` lines are kept, each cut to `KEPT_LINE_BYTES`.
5. `close` leaves no process behind, and calls nobody.

Thread rule: the thread of Qt's event loop only.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QProcess, QSocketNotifier, QTimer

from offload.protocol_lines import MAX_LINE_BYTES
from offload_app.line_buffer import LineBuffer
from offload_app.worker_death import DeathCause, ProcessEnd

TURN_SECONDS = 0.008
KEPT_LINES = 20
KEPT_LINE_BYTES = 500
MAX_BACKLOG_BYTES = 4 * MAX_LINE_BYTES
_CHUNK_BYTES = 65536
_KILL_WAIT_MS = 5000


class WorkerProcess(QObject):
    """One run of `command`; `on_line` is given each line of its standard output, `on_end` how it ended."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        on_line: Callable[[bytes], None],
        on_end: Callable[[ProcessEnd], None],
        max_backlog_bytes: int = MAX_BACKLOG_BYTES,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._on_line = on_line
        self._on_end = on_end
        self._max_backlog_bytes = max_backlog_bytes
        self._lines = LineBuffer(MAX_LINE_BYTES)
        self._words = LineBuffer(KEPT_LINE_BYTES)
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._cause = DeathCause.ENDED
        self._end: ProcessEnd | None = None
        self._is_paused = False
        self._is_over = False
        self._next_turn = QTimer(self, singleShot=True, interval=0)
        self._next_turn.timeout.connect(self._read)
        self._process = self._new_process(command)

    def start(self) -> None:
        """Start the process; a failure is told to `on_end`, perhaps before this returns."""
        self._process.start()

    def write(self, data: bytes) -> None:
        """Send `data` to its standard input, as it takes it; lost where the process is gone."""
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.write(data)

    def end_input(self) -> None:
        """Close its standard input once everything is written."""
        self._process.closeWriteChannel()

    def kill(self, cause: DeathCause) -> None:
        """End it at once; `on_end` is told `cause`, the first where several are given."""
        if self._cause is DeathCause.ENDED:
            self._cause = cause
        self._process.kill()

    def remember(self, words: str) -> None:
        """Keep `words` among its last."""
        self._kept.append(words[:KEPT_LINE_BYTES])

    def close(self) -> None:
        """End it at once without telling anybody; waits until it is gone. May be called again."""
        self._is_over = True
        self._next_turn.stop()
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished(_KILL_WAIT_MS)

    def _new_process(self, command: Sequence[str]) -> QProcess:
        process = QProcess(self)
        program, *arguments = command
        process.setProgram(program)
        process.setArguments(arguments)
        if sys.platform != "win32":
            # An interrupt at the terminal is for the application to judge, not for the worker.
            parameters = QProcess.UnixProcessParameters()
            parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
            process.setUnixProcessParameters(parameters)
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._keep_words)
        process.errorOccurred.connect(self._on_error)
        process.finished.connect(self._on_finished)
        return process

    def _read(self) -> None:
        if self._is_over:
            return
        is_drained = False
        try:
            is_drained = self._read_one_turn()
        finally:
            # Also where a line's receiver raised: the lines behind it must not be lost.
            if not self._is_over:
                self._after_turn(is_drained)

    def _read_one_turn(self) -> bool:
        """Give lines until there are none, or the time is over; return whether there are none."""
        end_of_turn = time.perf_counter() + TURN_SECONDS
        while not self._is_over and time.perf_counter() < end_of_turn:
            line = self._lines.next_line()
            if line is not None:
                self._on_line(line)
                continue
            chunk = bytes(self._process.read(_CHUNK_BYTES).data())
            if not chunk:
                return True
            self._lines.feed(chunk)
        return False

    def _after_turn(self, is_drained: bool) -> None:
        self._pause(not is_drained)
        if not is_drained:
            if self._process.bytesAvailable() > self._max_backlog_bytes:
                self.kill(DeathCause.FLOOD)
            self._next_turn.start()
        elif self._end is not None:
            self._conclude(self._end)

    def _pause(self, is_paused: bool) -> None:
        # QProcess itself reads on and on; its notifiers are its only brake, and only on Unix.
        if is_paused == self._is_paused:
            return
        self._is_paused = is_paused
        for notifier in self._process.findChildren(QSocketNotifier):
            if notifier.type() == QSocketNotifier.Type.Read:
                notifier.setEnabled(not is_paused)

    def _conclude(self, end: ProcessEnd) -> None:
        self._is_over = True
        try:
            # The newline of the last line may be all that was lost.
            if unfinished := self._lines.unfinished:
                self._on_line(unfinished)
        finally:
            self._on_end(end)

    def _keep_words(self) -> None:
        self._words.feed(bytes(self._process.readAllStandardError().data()))
        while (line := self._words.next_line()) is not None:
            self.remember(line.decode("utf-8", "replace").rstrip())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and not self._is_over:
            self._is_over = True
            self._on_end(ProcessEnd(DeathCause.NOT_STARTED, start_error=self._process.errorString()))

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._is_over:
            return
        self._keep_words()
        if unfinished := self._words.unfinished:
            self.remember(unfinished.decode("utf-8", "replace").rstrip())
        is_crash = status == QProcess.ExitStatus.CrashExit
        self._end = ProcessEnd(self._cause, code, is_crash, last_words=tuple(self._kept))
        self._read()
