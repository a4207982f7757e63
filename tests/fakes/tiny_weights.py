"""Random weights of a wanted spread, in any GGUF tensor type a tiny model uses.

Types for which the gguf package has a quantizer are quantized from Gaussian values. The others are made as random
*blocks*: every bit pattern of a block's quants is valid, so only its scales have to be chosen.
"""

from math import prod, sqrt
from typing import Any
from zlib import crc32

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_SCALE_LOW, _SCALE_HIGH = 16, 48
"""Random sub-block scales are drawn from this half-open range (6 bits wide in Q4_K, a signed byte in Q6_K)."""


def tensor_generator(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one tensor: its values depend on seed and name alone, not on what is built beside it."""
    return np.random.default_rng([seed, crc32(name.encode())])


def random_tensor(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    tensor_type: GGMLQuantizationType,
    *,
    spread: float,
    mean: float = 0.0,
) -> NDArray[Any]:
    """Make a tensor with about this standard deviation; quantized ones come back as bytes, last axis in blocks.

    shape is row-major, GGUF's dimensions reversed. mean is for F32 tensors only.

    Raises:
        ValueError: rows that are no whole number of blocks.
    """
    if tensor_type is GGMLQuantizationType.F32:
        return (mean + spread * rng.standard_normal(shape, dtype=np.float32)).astype(np.float32)
    block_size, block_bytes = GGML_QUANT_SIZES[tensor_type]
    if shape[-1] % block_size:
        raise ValueError(
            f"rows of {shape[-1]} weights are no whole number of {tensor_type.name} blocks of {block_size}"
        )
    n_block = prod(shape) // block_size
    byte_shape = (*shape[:-1], shape[-1] // block_size * block_bytes)
    match tensor_type:
        case GGMLQuantizationType.Q4_K:
            return random_q4_k_blocks(rng, n_block, spread).reshape(byte_shape)
        case GGMLQuantizationType.Q6_K:
            return random_q6_k_blocks(rng, n_block, spread).reshape(byte_shape)
        case GGMLQuantizationType.MXFP4:
            return random_mxfp4_blocks(rng, n_block, spread).reshape(byte_shape)
        case _:
            values = rng.standard_normal(shape, dtype=np.float32) * np.float32(spread)
            quantized: NDArray[Any] = quants.quantize(values, tensor_type)
            return quantized


def random_q4_k_blocks(rng: np.random.Generator, n_block: int, spread: float) -> Bytes:
    """Make Q4_K blocks, [n_block, 144] bytes, of mean 0: w = d * scale * q - dmin * min, q in 0..15.

    Every sub-block's min equals its scale and dmin is 7.5 d, so that w = d * scale * (q - 7.5).

    Source: block_q4_K in ggml-common.h, get_scale_min_k4 in ggml-quants.c.
    """
    blocks = _random_bytes(rng, (n_block, 144))
    # Eight 6-bit scales, then eight 6-bit mins, in 12 bytes: the low four of each lie in bytes 0..7, whose top two
    # bits hold the top bits of the high four, whose low nibbles share bytes 8..11.
    scales = rng.integers(_SCALE_LOW, _SCALE_HIGH, (n_block, 8), dtype=np.uint8)
    low, high = scales[:, :4], scales[:, 4:]
    packed = low | (high >> 4) << 6
    blocks[:, 4:8] = packed
    blocks[:, 8:12] = packed
    blocks[:, 12:16] = (high & 0x0F) | (high & 0x0F) << 4
    d = spread / (_rms_scale() * sqrt((16**2 - 1) / 12))
    blocks[:, 0:2] = _half_bytes(d)
    blocks[:, 2:4] = _half_bytes(7.5 * d)
    return blocks


def random_q6_k_blocks(rng: np.random.Generator, n_block: int, spread: float) -> Bytes:
    """Make Q6_K blocks, [n_block, 210] bytes: w = d * scale * q, q in -32..31, scales of both signs.

    Source: block_q6_K in ggml-common.h.
    """
    blocks = _random_bytes(rng, (n_block, 210))
    signs = rng.choice(np.array([-1, 1], np.int8), (n_block, 16))
    scales = rng.integers(_SCALE_LOW, _SCALE_HIGH, (n_block, 16), dtype=np.int8) * signs
    blocks[:, 192:208] = scales.view(np.uint8)
    blocks[:, 208:210] = _half_bytes(spread / (_rms_scale() * sqrt((64**2 - 1) / 12)))
    return blocks


def random_mxfp4_blocks(rng: np.random.Generator, n_block: int, spread: float) -> Bytes:
    """Make MXFP4 blocks, [n_block, 17] bytes: a power of two as exponent byte e, then 32 4-bit floats.

    w = 2**(e - 128) * v, v one of +-{0, 1, 2, 3, 4, 6, 8, 12}. Two neighbouring exponents are used.

    Source: block_mxfp4 in ggml-common.h, OCP Microscaling Formats 1.0.
    """
    blocks = _random_bytes(rng, (n_block, 17))
    rms_value = sqrt((0 + 1 + 4 + 9 + 16 + 36 + 64 + 144) / 8)
    rms_of_two_exponents = sqrt((1 + 4) / 2)
    exponent = round(np.log2(spread / (rms_value * rms_of_two_exponents))) + 128
    blocks[:, 0] = rng.integers(exponent, exponent + 2, n_block, dtype=np.uint8)
    return blocks


def _random_bytes(rng: np.random.Generator, shape: tuple[int, int]) -> Bytes:
    return np.frombuffer(rng.bytes(prod(shape)), np.uint8).reshape(shape).copy()


def _half_bytes(value: float) -> Bytes:
    return np.frombuffer(np.float16(value).tobytes(), np.uint8)


def _rms_scale() -> float:
    return float(np.sqrt(np.mean(np.arange(_SCALE_LOW, _SCALE_HIGH, dtype=np.float64) ** 2)))
