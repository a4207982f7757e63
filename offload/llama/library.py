"""The llama.cpp library: loaded once, its log lines kept instead of printed.

Thread rule: every function may be called from any thread. llama.cpp has one log for the whole process, so what a
capture holds may include lines of another thread that loads or decodes at the same time.
"""

import ctypes
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from types import ModuleType
from typing import Any, Final, NamedTuple

from offload.errors import AbiError
from offload.llama.kernels import load_kernels

_KEPT_LINES: Final = 200


class LogLevel(IntEnum):
    """llama.cpp's own numbers. Source: ggml/include/ggml.h, `ggml_log_level`."""

    NONE = 0
    DEBUG = 1
    INFO = 2
    WARN = 3
    ERROR = 4
    CONT = 5
    """Continues the line before."""


class LogLine(NamedTuple):
    """One line that llama.cpp logged, without its line end."""

    level: LogLevel
    text: str


@dataclass(slots=True)
class CapturedLog:
    """What llama.cpp logged while a `captured_log` block ran; grows until the block ends."""

    entries: list[LogLine] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Every line, oldest first."""
        return [line.text for line in self.entries]

    @property
    def errors(self) -> list[str]:
        """The lines logged as errors, oldest first."""
        return [line.text for line in self.entries if line.level is LogLevel.ERROR]


class _Log:
    """Cuts llama.cpp's log into lines, keeps the last ones and feeds the captures that are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = LogLevel.INFO
        self._partial = ""
        self._recent: deque[LogLine] = deque(maxlen=_KEPT_LINES)
        self._captures: list[CapturedLog] = []

    def write(self, level: int, text: bytes) -> None:
        with self._lock:
            if level != LogLevel.CONT:
                self._finish()
                self._level = LogLevel(level) if level in LogLevel._value2member_map_ else LogLevel.INFO
            *whole, self._partial = (self._partial + text.decode("utf-8", "replace")).split("\n")
            for line in whole:
                self._add(line)

    def open(self) -> CapturedLog:
        capture = CapturedLog()
        with self._lock:
            self._finish()
            self._captures.append(capture)
        return capture

    def close(self, capture: CapturedLog) -> None:
        with self._lock:
            self._finish()
            self._captures = [other for other in self._captures if other is not capture]

    def recent(self) -> list[LogLine]:
        with self._lock:
            self._finish()
            return list(self._recent)

    def _finish(self) -> None:
        """Take what stands without a line end as a line. The lock is held."""
        rest, self._partial = self._partial, ""
        if rest.strip():
            self._add(rest)

    def _add(self, text: str) -> None:
        line = LogLine(self._level, text.rstrip())
        self._recent.append(line)
        for capture in self._captures:
            capture.entries.append(line)


_log = _Log()
_load_lock = threading.Lock()
_module: ModuleType | None = None
_log_callback: Any = None  # referenced as long as llama.cpp may call it: as long as the process


def load() -> ModuleType:
    """Load llama.cpp, initialize its backends and take over its log; the first call does it, later calls are free.

    Returns:
        The module `llama_cpp`, whose functions are llama.cpp's C API.

    Raises:
        AbiError: the package is not installed or its library cannot be loaded.
    """
    global _module, _log_callback
    with _load_lock:
        if _module is None:
            load_kernels()
            try:
                import llama_cpp
            except (ImportError, OSError, RuntimeError) as error:
                raise AbiError(
                    f"llama.cpp cannot be loaded: {error}.", hint="Install offload again in a fresh environment."
                ) from error
            _log_callback = llama_cpp.llama_log_callback(_on_log)
            llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))
            llama_cpp.llama_backend_init()
            _module = llama_cpp
        return _module


@contextmanager
def captured_log() -> Iterator[CapturedLog]:
    """Collect what llama.cpp logs inside the `with` block. Captures may nest; each gets every line."""
    capture = _log.open()
    try:
        yield capture
    finally:
        _log.close(capture)


def recent_log() -> list[LogLine]:
    """Return the last lines that llama.cpp logged, oldest first, at most 200."""
    return _log.recent()


def error_cause(log: CapturedLog) -> str:
    """Return the first error llama.cpp logged, without its `function name: ` prefix; empty when there was none.

    The first one is the cause: llama.cpp reports a failure innermost first, each caller adding a vaguer line.
    """
    return next((_without_function(line) for line in log.errors), "")


def _without_function(line: str) -> str:
    name, separator, rest = line.partition(": ")
    return rest.strip() if separator and " " not in name.strip() else line.strip()


def _on_log(level: int, text: bytes | None, _user_data: object) -> None:
    # Called from C, where no exception may pass; a lost line is the lesser harm.
    try:
        _log.write(level, text or b"")
    except Exception:
        return
