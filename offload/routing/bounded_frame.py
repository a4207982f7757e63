"""Decompresses one zstandard frame within bounds, whatever the file says."""

import zstandard

MAX_WINDOW_BYTES = 8 << 20
_CHUNK_BYTES = 1 << 20


def decompress(stored: bytes, most_bytes: int) -> bytearray:
    """Return the frame's bytes, of more than `most_bytes` the first and one more. Memory grows with what is there.

    Raises:
        zstandard.ZstdError: it is no frame, or damaged.
    """
    raw = bytearray()
    with zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(stored) as reader:
        while chunk := reader.read(min(_CHUNK_BYTES, most_bytes + 1 - len(raw))):
            raw += chunk
    return raw
