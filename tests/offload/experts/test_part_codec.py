"""When compression pays, and how parts are encoded."""

import numpy as np
import zstandard

from offload.experts.part_codec import encode_part, worth_compressing
from offload.experts.store import Codec

RANDOM = np.random.default_rng(1).bytes(100_000)
REPEATED = bytes(range(100)) * 1000


def slow_disk() -> float:
    return 1.0


def fast_disk() -> float:
    return 1e15


def unknown_disk() -> float:
    return 0.0


def test_weights_that_shrink_pay_on_a_slow_disk() -> None:
    assert worth_compressing([REPEATED], slow_disk)


def test_nothing_pays_on_a_disk_faster_than_the_decoder() -> None:
    assert not worth_compressing([REPEATED], fast_disk)


def test_nothing_pays_on_a_disk_of_unknown_speed() -> None:
    assert not worth_compressing([REPEATED], unknown_disk)


def test_weights_that_do_not_shrink_are_judged_without_measuring_the_disk() -> None:
    asked: list[None] = []

    def counted() -> float:
        asked.append(None)
        return 1.0

    assert not worth_compressing([RANDOM], counted)
    assert not worth_compressing([], counted)
    assert asked == []


def test_part_that_shrinks_is_encoded() -> None:
    codec, encoded = encode_part(memoryview(REPEATED))
    assert codec is Codec.ZSTD
    assert zstandard.ZstdDecompressor().decompress(bytes(encoded)) == REPEATED


def test_part_that_does_not_shrink_stays_as_it_is() -> None:
    assert encode_part(memoryview(RANDOM)) == (Codec.RAW, RANDOM)
