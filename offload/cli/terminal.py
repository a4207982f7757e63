"""The terminal a command talks to: answers on standard output, everything else on standard error."""

import contextlib
import io
import os
import stat
import sys
import traceback
from collections.abc import Mapping
from typing import TextIO

from offload.errors import UsageError

_CONTROL = {code: None for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t\r"}
_BAR_CELLS = 24


class Terminal:
    """Standard streams of one command. Colour and progress only where a person looks at them."""

    def __init__(self, stdin: TextIO | None, stdout: TextIO, stderr: TextIO, environment: Mapping[str, str]) -> None:
        self.stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self.debug = environment.get("OFFLOAD_DEBUG", "") not in ("", "0")
        self.input_is_typed = stdin is not None and not stdin.closed and stdin.isatty()
        self.answers_are_watched = stdout.isatty()
        self._errors_are_watched = stderr.isatty()
        self._colour = (
            self._errors_are_watched and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        )
        self._progress_shown = ""

    @classmethod
    def of_process(cls) -> "Terminal":
        """Return the terminal of this process; text a stream cannot encode is replaced, never an error."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        # A stream that was closed before we began is None.
        return cls(sys.stdin, sys.stdout or _nowhere(), sys.stderr or _nowhere(), os.environ)

    def write(self, text: str) -> None:
        """Write `text` to standard output at once; control characters do not reach a screen.

        Raises:
            BrokenPipeError: nobody reads it any more.
        """
        if not text:
            return
        print(text.translate(_CONTROL) if self.answers_are_watched else text, end="", file=self._stdout, flush=True)

    def write_line(self, text: str = "") -> None:
        """Write `text` and a line end to standard output at once."""
        self.write(text + "\n")

    def write_bytes(self, line: bytes) -> None:
        """Write UTF-8 `line` to standard output as it is, whatever the terminal's encoding."""
        self._stdout.flush()
        binary = getattr(self._stdout, "buffer", None)
        if binary is None:
            self.write(line.decode())
        else:
            binary.write(line)
            binary.flush()

    def flush(self) -> None:
        """Hand over what others wrote to standard output.

        Raises:
            BrokenPipeError: nobody reads it any more.
        """
        self._stdout.flush()

    def say(self, text: str) -> None:
        """Write `text` as a line to standard error."""
        self.clear_progress()
        # A closed or full standard error is no reason to fail: there is nobody left to tell.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=self._stderr, flush=True)

    def complain(self, text: str, kind: str = "error") -> None:
        """Write `offload: error: text` to standard error."""
        self.say(f"offload: {self._paint(kind, '31;1' if kind == 'error' else '33')}: {text}")

    def dim(self, text: str) -> str:
        """Return `text` in the colour of side remarks, where there are colours."""
        return self._paint(text, "2")

    def trace(self) -> None:
        """Write the traceback of the exception being handled to standard error, where debugging was asked for."""
        if self.debug:
            self.say(traceback.format_exc().rstrip())

    def progress(self, label: str, fraction: float) -> None:
        """Show how far something is, on one line that is overwritten; only where a person looks at it."""
        if not self._errors_are_watched:
            return
        filled = int(min(max(fraction, 0.0), 1.0) * _BAR_CELLS)
        line = f"{label} [{'#' * filled}{'.' * (_BAR_CELLS - filled)}] {fraction:4.0%}"
        if line != self._progress_shown:
            self._progress_shown = line
            print(f"\r{line}\x1b[K", end="", file=self._stderr, flush=True)

    def clear_progress(self) -> None:
        """Remove the progress line."""
        if self._progress_shown:
            self._progress_shown = ""
            print("\r\x1b[K", end="", file=self._stderr, flush=True)

    def piped_text(self) -> str:
        """Return all of standard input where something is piped or redirected into it, else nothing.

        Raises:
            UsageError: it is not UTF-8.
        """
        if self.stdin is None or self.stdin.closed or self.input_is_typed or not self._carries_data(self.stdin):
            return ""
        try:
            return self.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"Standard input is not UTF-8 text (byte {error.start}).", hint="Convert it, or give a file with -f."
            ) from None

    def read_line(self, prompt: str) -> str | None:
        """Return the next line of standard input without its end, None where there is no more.

        Where it is typed, `prompt` is shown, and the line can be edited and called back where the system can do that.

        Raises:
            UsageError: it is not UTF-8.
        """
        if self.stdin is None or self.stdin.closed:
            return None
        if self.input_is_typed:
            with contextlib.suppress(ImportError):
                import readline  # noqa: F401 - `input` edits lines once it is imported
            try:
                return input(prompt)
            except EOFError:
                self.say("")
                return None
        line = self.stdin.buffer.readline()
        try:
            return line.decode("utf-8").rstrip("\r\n") if line else None
        except UnicodeDecodeError as error:
            raise UsageError(f"Standard input is not UTF-8 text (byte {error.start} of a line).") from None

    @property
    def can_ask(self) -> bool:
        """Whether somebody types and looks, so that there is somebody to ask."""
        return self.stdin is not None and self.input_is_typed and self._errors_are_watched

    def answer_to(self, question: str) -> str | None:
        """Show `question` on standard error, where no answer of the command goes, and return the line that is typed.

        None at the end of input.

        Raises:
            KeyboardInterrupt: Ctrl-C in place of an answer.
        """
        self.clear_progress()
        with contextlib.suppress(OSError, ValueError):
            print(question, end="", file=self._stderr, flush=True)
        line = self.stdin.readline() if self.stdin is not None else ""
        if not line:
            self.say("")
        return line or None

    def abandon_stdout(self) -> None:
        """Let nothing more reach a standard output that nobody reads, so that the interpreter ends quietly."""
        with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
            descriptor = self._stdout.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)

    def _carries_data(self, stdin: TextIO) -> bool:
        try:
            mode = os.fstat(stdin.fileno()).st_mode
        except (OSError, ValueError, io.UnsupportedOperation):
            return True
        # Not /dev/null nor any other device.
        return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def _nowhere() -> TextIO:
    """Return a stream that takes everything; it also takes the free descriptor, which no other file may get."""
    return open(os.devnull, "w", encoding="utf-8")
