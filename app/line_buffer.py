"""A line buffer: cuts the bytes of a stream into lines, never holding more than one chunk and one longest line."""


class LineBuffer:
    """Takes chunks, gives lines without their newline; of a line beyond `limit_bytes` only its first `limit + 1`.

    One thread. A chunk is fed when `next_line` has returned None, and each chunk is looked through once.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._room = limit_bytes + 1
        self._line = bytearray()
        self._chunk = b""
        self._offset = 0

    @property
    def unfinished(self) -> bytes:
        """Return the line whose newline has not come."""
        return bytes(self._line)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the stream; those fed before have been cut into lines."""
        assert self._offset >= len(self._chunk), "lines are still to be taken"
        self._chunk = chunk
        self._offset = 0

    def next_line(self) -> bytes | None:
        """Return the next complete line; None where more bytes are needed."""
        newline = self._chunk.find(b"\n", self._offset)
        end = newline if newline >= 0 else len(self._chunk)
        self._line += self._chunk[self._offset : min(end, self._offset + self._room - len(self._line))]
        if newline < 0:
            self._chunk = b""
            self._offset = 0
            return None
        self._offset = newline + 1
        line = bytes(self._line)
        self._line.clear()
        return line
