"""What nobody foresaw: an exception that reaches Qt's event loop or the end of a thread is logged, and told.

This is the border of the application: nothing is swallowed, the whole traceback lies in the log.
"""

import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, Signal

_MOST_BYTES = 1 << 20


class Unexpected(QObject):
    """Logs to `log`. Thread rule: `report` from any thread, the rest from the UI thread."""

    happened = Signal(str)
    """A sentence, in the thread of this object."""
    _came = Signal(str)

    def __init__(self, log: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = log
        self._came.connect(self._tell)

    def watch(self) -> None:
        """Take every exception of this process that nobody caught, from now on."""
        sys.excepthook = self.report
        threading.excepthook = self._report_of_thread

    def unwatch(self) -> None:
        """Leave them to Python again."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log `error`, and tell of it."""
        if issubclass(kind, KeyboardInterrupt):
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        with suppress(OSError):
            self._write(text)
        words = " ".join(str(error).split())[:200]
        self._came.emit(f"{kind.__name__}: {words}" if words else kind.__name__)

    def _report_of_thread(self, failure: threading.ExceptHookArgs) -> None:
        if failure.exc_value is not None:
            self.report(failure.exc_type, failure.exc_value, failure.exc_traceback)

    def _write(self, text: str) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > _MOST_BYTES:
            self._log.replace(self._log.with_suffix(".old.log"))
        with self._log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')}\n{text}\n")

    def _tell(self, words: str) -> None:
        text = self.tr(
            "Something unexpected happened ({words}). Your conversations are kept; please report it with {log}."
        )
        self.happened.emit(text.format(words=words, log=self._log))
