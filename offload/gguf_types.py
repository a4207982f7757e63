"""What a GGUF file is made of: ggml's tensor types with their block sizes, file types, types of metadata values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType


class GgmlType(IntEnum):
    """The type of a tensor's elements, numbered as in `enum ggml_type` of ggml/include/ggml.h.

    The gaps (4, 5, 31 to 33, 36 to 38) are types that ggml no longer reads.
    """

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q5_0 = 6
    Q5_1 = 7
    Q8_0 = 8
    Q8_1 = 9
    Q2_K = 10
    Q3_K = 11
    Q4_K = 12
    Q5_K = 13
    Q6_K = 14
    Q8_K = 15
    IQ2_XXS = 16
    IQ2_XS = 17
    IQ3_XXS = 18
    IQ1_S = 19
    IQ4_NL = 20
    IQ3_S = 21
    IQ2_S = 22
    IQ4_XS = 23
    I8 = 24
    I16 = 25
    I32 = 26
    I64 = 27
    F64 = 28
    IQ1_M = 29
    BF16 = 30
    TQ1_0 = 34
    TQ2_0 = 35
    MXFP4 = 39
    NVFP4 = 40
    Q1_0 = 41
    Q2_0 = 42


@dataclass(frozen=True, slots=True)
class TypeTraits:
    """How a type is stored: `type_bytes` bytes hold `block_size` consecutive elements of a row."""

    block_size: int
    type_bytes: int


# Source: the static_asserts of ggml/src/ggml-common.h.
TYPE_TRAITS: Mapping[GgmlType, TypeTraits] = MappingProxyType(
    {
        GgmlType.F32: TypeTraits(1, 4),
        GgmlType.F16: TypeTraits(1, 2),
        GgmlType.Q4_0: TypeTraits(32, 18),
        GgmlType.Q4_1: TypeTraits(32, 20),
        GgmlType.Q5_0: TypeTraits(32, 22),
        GgmlType.Q5_1: TypeTraits(32, 24),
        GgmlType.Q8_0: TypeTraits(32, 34),
        GgmlType.Q8_1: TypeTraits(32, 36),
        GgmlType.Q2_K: TypeTraits(256, 84),
        GgmlType.Q3_K: TypeTraits(256, 110),
        GgmlType.Q4_K: TypeTraits(256, 144),
        GgmlType.Q5_K: TypeTraits(256, 176),
        GgmlType.Q6_K: TypeTraits(256, 210),
        GgmlType.Q8_K: TypeTraits(256, 292),
        GgmlType.IQ2_XXS: TypeTraits(256, 66),
        GgmlType.IQ2_XS: TypeTraits(256, 74),
        GgmlType.IQ3_XXS: TypeTraits(256, 98),
        GgmlType.IQ1_S: TypeTraits(256, 50),
        GgmlType.IQ4_NL: TypeTraits(32, 18),
        GgmlType.IQ3_S: TypeTraits(256, 110),
        GgmlType.IQ2_S: TypeTraits(256, 82),
        GgmlType.IQ4_XS: TypeTraits(256, 136),
        GgmlType.I8: TypeTraits(1, 1),
        GgmlType.I16: TypeTraits(1, 2),
        GgmlType.I32: TypeTraits(1, 4),
        GgmlType.I64: TypeTraits(1, 8),
        GgmlType.F64: TypeTraits(1, 8),
        GgmlType.IQ1_M: TypeTraits(256, 56),
        GgmlType.BF16: TypeTraits(1, 2),
        GgmlType.TQ1_0: TypeTraits(256, 54),
        GgmlType.TQ2_0: TypeTraits(256, 66),
        GgmlType.MXFP4: TypeTraits(32, 17),
        GgmlType.NVFP4: TypeTraits(64, 36),
        GgmlType.Q1_0: TypeTraits(128, 18),
        GgmlType.Q2_0: TypeTraits(64, 18),
    }
)


class FileType(IntEnum):
    """What `general.file_type` says of a whole model, numbered as in `enum llama_ftype` of include/llama.h.

    The gaps (4 to 6, 33 to 35) are types that llama.cpp no longer writes.
    """

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q4_1 = 3
    Q8_0 = 7
    Q5_0 = 8
    Q5_1 = 9
    Q2_K = 10
    Q3_K_S = 11
    Q3_K_M = 12
    Q3_K_L = 13
    Q4_K_S = 14
    Q4_K_M = 15
    Q5_K_S = 16
    Q5_K_M = 17
    Q6_K = 18
    IQ2_XXS = 19
    IQ2_XS = 20
    Q2_K_S = 21
    IQ3_XS = 22
    IQ3_XXS = 23
    IQ1_S = 24
    IQ4_NL = 25
    IQ3_S = 26
    IQ3_M = 27
    IQ2_S = 28
    IQ2_M = 29
    IQ4_XS = 30
    IQ1_M = 31
    BF16 = 32
    TQ1_0 = 36
    TQ2_0 = 37
    MXFP4_MOE = 38
    NVFP4 = 39
    Q1_0 = 40
    Q2_0 = 41


GUESSED_FILE_TYPE = 1024
"""Added to a file type that was guessed from the tensors."""


class MetadataType(IntEnum):
    """The type of a metadata value, numbered as in `enum gguf_type` of ggml/include/gguf.h."""

    UINT8 = 0
    INT8 = 1
    UINT16 = 2
    INT16 = 3
    UINT32 = 4
    INT32 = 5
    FLOAT32 = 6
    BOOL = 7
    STRING = 8
    ARRAY = 9
    UINT64 = 10
    INT64 = 11
    FLOAT64 = 12


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """A metadata array that was walked but not kept: the type of its items and how many there are."""

    type: MetadataType
    length: int


MetadataScalar = int | float | bool | str
MetadataValue = MetadataScalar | tuple[int | float | bool, ...] | ArraySummary
