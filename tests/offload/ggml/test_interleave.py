"""The interleaved layout: what is made of one expert is what llama.cpp's own buffer type makes of the whole tensor."""

import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.ggml import interleave
from offload.ggml.abi import RELEASE, Buffer, Tensor
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.ggml.symbols import CPU_FEATURES, symbols
from offload.gguf_types import GgmlType
from offload.llama.library import load

TYPES = [
    GgmlType.Q4_0,
    GgmlType.Q4_K,
    GgmlType.Q5_K,
    GgmlType.Q6_K,
    GgmlType.Q8_0,
    GgmlType.IQ4_NL,
    GgmlType.MXFP4,
    GgmlType.F16,
    GgmlType.BF16,
    GgmlType.F32,
]
SHAPES = [(256, 8), (512, 64), (256, 20)]
"""Columns and rows of one expert."""
N_EXPERT = 3


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    load()


@pytest.fixture
def interleaver() -> Iterator[Interleaver]:
    made = Interleaver()
    yield made
    made.close()


def matrix_bytes(ggml_type: GgmlType, ne0: int, ne1: int) -> int:
    return int(symbols().ggml_row_size(ggml_type, ne0)) * ne1


def random_bytes(n_bytes: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, n_bytes, np.uint8)


def whole_by_llama_cpp(ggml_type: GgmlType, ne0: int, ne1: int, plain: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Let the buffer type take the tensor of all experts at once, as a load does; None where it has no kernel."""
    ggml = symbols()
    buffer = ggml.ggml_backend_buft_alloc_buffer(interleaved_buffer_type(), plain.nbytes)
    try:
        seen = Buffer.from_address(buffer)
        row = ggml.ggml_row_size(ggml_type, ne0)
        base = ggml_base(seen, buffer)
        tensor = Tensor(type=ggml_type, buffer=buffer, data=base)
        tensor.ne[:] = [ne0, ne1, N_EXPERT, 1]
        tensor.nb[:] = [ggml.ggml_type_size(ggml_type), row, row * ne1, row * ne1 * N_EXPERT]
        seen.iface.init_tensor(buffer, ctypes.addressof(tensor))
        if not tensor.extra:
            return None
        seen.iface.set_tensor(buffer, ctypes.addressof(tensor), plain.ctypes.data, 0, plain.nbytes)
        return np.frombuffer(ctypes.string_at(base, plain.nbytes), np.uint8)
    finally:
        ggml.ggml_backend_buffer_free(buffer)


def ggml_base(seen: Buffer, buffer: int) -> int:
    base: int = seen.iface.get_base(buffer)
    return base


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ggml_type", TYPES, ids=lambda ggml_type: ggml_type.name)
def test_each_expert_alone_gives_the_bytes_of_the_whole_tensor(
    interleaver: Interleaver, ggml_type: GgmlType, shape: tuple[int, int]
) -> None:
    n_bytes = matrix_bytes(ggml_type, *shape)
    plain = random_bytes(N_EXPERT * n_bytes)
    expected = whole_by_llama_cpp(ggml_type, *shape, plain)
    assert interleaver.supports(ggml_type, *shape) == (expected is not None)
    out = np.zeros(n_bytes, np.uint8)
    for expert in range(N_EXPERT):
        part = slice(expert * n_bytes, (expert + 1) * n_bytes)
        if expected is None:
            with pytest.raises(ValueError, match="no interleaved layout"):
                interleaver.interleave(ggml_type, *shape, plain[part], out)
        else:
            interleaver.interleave(ggml_type, *shape, plain[part], out)
            assert np.array_equal(out, expected[part])
            assert not np.array_equal(out, plain[part])


def test_some_types_have_a_layout_of_their_own_here(interleaver: Interleaver) -> None:
    """On x86 with AVX2 and on ARM with dot products; without, the tests above compare nothing."""
    ggml = symbols()
    has_kernels = any(getattr(ggml, f"ggml_cpu_has_{feature}")() for feature in ("avx2", "dotprod", "matmul_int8"))
    assert interleaver.supports(GgmlType.Q4_0, 256, 8) == bool(has_kernels)


@pytest.mark.parametrize("ggml_type", [GgmlType.F16, GgmlType.BF16, GgmlType.F32], ids=lambda kind: kind.name)
def test_unquantized_types_have_none(interleaver: Interleaver, ggml_type: GgmlType) -> None:
    assert not interleaver.supports(ggml_type, 256, 256)


@pytest.mark.parametrize(("source", "out"), [(-1, 0), (1, 0), (0, -1), (0, 1)])
def test_wrong_sizes_are_refused(interleaver: Interleaver, source: int, out: int) -> None:
    n_bytes = matrix_bytes(GgmlType.Q4_0, 256, 8)
    with pytest.raises(ValueError, match=f"a 256 x 8 matrix has {n_bytes} bytes"):
        interleaver.interleave(
            GgmlType.Q4_0, 256, 8, np.zeros(n_bytes + source, np.uint8), np.zeros(n_bytes + out, np.uint8)
        )


def test_threads_do_not_disturb_each_other(interleaver: Interleaver) -> None:
    shape = (512, 64)
    usable = [kind for kind in TYPES if interleaver.supports(kind, *shape)]
    jobs = [(kind, seed) for kind in usable for seed in range(8)]

    def work(job: tuple[GgmlType, int]) -> bytes:
        kind, seed = job
        n_bytes = matrix_bytes(kind, *shape)
        out = np.empty(n_bytes, np.uint8)
        interleaver.interleave(kind, *shape, random_bytes(n_bytes, seed), out)
        return out.tobytes()

    alone = [work(job) for job in jobs]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, jobs)) == alone


def test_the_layouts_name_tells_release_and_processor(interleaver: Interleaver) -> None:
    ggml = symbols()
    features = "+".join(name for name in CPU_FEATURES if getattr(ggml, f"ggml_cpu_has_{name}")())
    assert interleaver.layout_name == f"CPU_REPACK/{RELEASE}/{features}"


def test_a_library_without_the_buffer_type_supports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleave, "interleaved_buffer_type", lambda: None)
    interleaver = Interleaver()
    data = np.zeros(matrix_bytes(GgmlType.Q4_0, 256, 8), np.uint8)
    assert not interleaver.supports(GgmlType.Q4_0, 256, 8)
    assert interleaver.layout_name == "plain"
    with pytest.raises(ValueError, match="no interleaved layout for q4_0 of 256 x 8"):
        interleaver.interleave(GgmlType.Q4_0, 256, 8, data, data.copy())
    interleaver.close()


def test_a_closed_one_supports_nothing(interleaver: Interleaver) -> None:
    interleaver.close()
    interleaver.close()
    assert not interleaver.supports(GgmlType.Q4_0, 256, 8)


def test_the_buffer_type_is_the_cpus_own() -> None:
    address = interleaved_buffer_type()
    assert address is not None
    assert symbols().ggml_backend_buft_name(address) == b"CPU_REPACK"
