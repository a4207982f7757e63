"""Tokens' bytes turned into text that may be shown: whole characters, nothing of a stop string.

Invariant: what is shown does not depend on where the bytes were cut into tokens. Of several stop strings the one
that is complete first ends the text.

Thread rule: one thread at a time.
"""

import codecs
from collections.abc import Sequence


class TextStream:
    """Takes bytes token by token and gives out text as early as it is certain."""

    def __init__(self, stop: Sequence[str] = ()) -> None:
        self._stop = tuple(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False
        """Whether a stop string was reached; nothing more is given out then."""

    def feed(self, piece: bytes) -> str:
        """Take the next bytes and return what can be shown now, often nothing."""
        return self._show(self._decoder.decode(piece))

    def finish(self) -> str:
        """Return what was held back: the beginning of a stop string, an incomplete character as U+FFFD."""
        shown = self._show(self._decoder.decode(b"", final=True))
        if self.stopped:
            return shown
        held, self._held = self._held, ""
        return shown + held

    def _show(self, text: str) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        cut = self._first_stop(text)
        if cut is not None:
            self.stopped, self._held = True, ""
            return text[:cut]
        n_held = self._n_beginning(text)
        shown, self._held = text[: len(text) - n_held], text[len(text) - n_held :]
        return shown

    def _first_stop(self, text: str) -> int | None:
        """Return where the stop string begins that is complete first; of two that end together the longer."""
        found = [(start + len(stop), start) for stop in self._stop if (start := text.find(stop)) >= 0]
        return min(found)[1] if found else None

    def _n_beginning(self, text: str) -> int:
        """Return the length of the longest end of `text` that a stop string begins with."""
        longest = max((len(stop) for stop in self._stop), default=0) - 1
        for length in range(min(longest, len(text)), 0, -1):
            end = text[len(text) - length :]
            if any(stop.startswith(end) for stop in self._stop):
                return length
        return 0
