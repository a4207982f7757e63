"""Decides whether a tensor's experts are worth compressing, and encodes parts."""

import time
from collections.abc import Callable, Sequence
from enum import Enum

import zstandard

from offload.experts.store import Codec

MAX_RATIO = 0.8
"""A part is stored compressed only where it shrinks to this share of its size or less."""
_LEVEL = 3


class Compression(Enum):
    """Whether `offload pack` may compress."""

    AUTO = "auto"
    """Where reading less saves more time than decoding costs."""
    OFF = "off"


def worth_compressing(samples: Sequence[bytes | memoryview], read_bytes_per_second: Callable[[], float]) -> bool:
    """Say whether weights like `samples` arrive sooner compressed, from a disk of that speed.

    The speed is asked for only where the samples shrink enough; 0 means unknown, and that nothing is compressed.
    Reading n bytes takes n / disk; compressed, ratio * n / disk + n / decoder. The decoder's speed is measured.
    """
    n_bytes = sum(len(sample) for sample in samples)
    frames = [zstandard.ZstdCompressor(level=_LEVEL).compress(sample) for sample in samples]
    ratio = sum(len(frame) for frame in frames) / max(n_bytes, 1)
    if not n_bytes or ratio > MAX_RATIO:
        return False
    decompressor = zstandard.ZstdDecompressor()
    started = time.perf_counter()
    for frame in frames:
        decompressor.decompress(frame)
    seconds_per_byte = (time.perf_counter() - started) / n_bytes
    disk = read_bytes_per_second()
    return disk > 0 and (1 - ratio) / disk > seconds_per_byte


def encode_part(part: memoryview) -> tuple[Codec, bytes | memoryview]:
    """Compress `part`, or return it as it is where that does not make it small enough."""
    frame = zstandard.ZstdCompressor(level=_LEVEL).compress(part)
    return (Codec.ZSTD, frame) if len(frame) <= MAX_RATIO * len(part) else (Codec.RAW, part)
