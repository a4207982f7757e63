"""The footprint: what llama.cpp says it would allocate is what it allocates."""

from pathlib import Path

import numpy as np
import pytest

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import DecodeError, ModelFileError
from offload.experts.gguf_store import GgufStore
from offload.ggml.device import pager_device
from offload.ggml.symbols import symbols
from offload.gguf_header import read_gguf_header
from offload.llama.context import LlamaContext
from offload.llama.footprint import MIB, Footprint, FootprintDevice, measure_footprint, parse_footprint
from offload.llama.library import captured_log, load
from offload.llama.model import LlamaModel
from offload.paged_model import PagedModel, dense_overrides

ROUNDING = 2 * round(0.005 * MIB)
"""Each log line is rounded to a hundredth of a MiB; two lines at most are summed."""

MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]
SIZES = [(256, 64, 16), (1024, 512, 256)]
"""Context, batch and physical batch in tokens."""


@pytest.fixture(scope="module", params=TinyArchitecture, ids=lambda architecture: architecture.name.lower())
def model(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("footprint") / "model.gguf", request.param)


def context_on(model: LlamaModel, sizes: tuple[int, int, int]) -> LlamaContext:
    n_ctx, n_batch, n_ubatch = sizes
    return LlamaContext.open(model, n_ctx=n_ctx, n_batch=n_batch, n_ubatch=n_ubatch, n_threads=1, n_outputs_max=1)


def footprint_of(path: Path, sizes: tuple[int, int, int]) -> Footprint:
    n_ctx, n_batch, n_ubatch = sizes
    return measure_footprint(path, n_ctx=n_ctx, n_batch=n_batch, n_ubatch=n_ubatch, n_outputs_max=1)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_it_is_what_a_real_context_allocates(model: Path, sizes: tuple[int, int, int]) -> None:
    footprint = footprint_of(model, sizes)
    header = read_gguf_header(model)
    with LlamaModel.open(model, overrides=dense_overrides(header)) as opened, context_on(opened, sizes) as context:
        real = context.buffer_bytes
    assert real.kv_bytes > 0
    assert real.compute_bytes > 0
    assert footprint.kv_bytes == pytest.approx(real.kv_bytes, abs=ROUNDING)
    assert footprint.compute_bytes == pytest.approx(real.compute_bytes + real.output_bytes, abs=ROUNDING)


@pytest.mark.parametrize("n_outputs", [1, 64])
def test_the_logits_of_a_batch_are_counted(tmp_path: Path, n_outputs: int) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)
    footprint = measure_footprint(path, n_ctx=256, n_batch=64, n_ubatch=64, n_outputs_max=n_outputs)
    with (
        LlamaModel.open(path) as opened,
        LlamaContext.open(
            opened, n_ctx=256, n_batch=64, n_ubatch=64, n_threads=1, n_outputs_max=n_outputs, computes_all_outputs=True
        ) as context,
    ):
        reserved = context.buffer_bytes
        if n_outputs == 64:
            context.decode(list(range(64)), position=0, logits="last")
            assert np.isfinite([context.logits(index) for index in range(64)]).all()
        n_logits_bytes = 4 * n_outputs * context.n_vocab
    assert footprint.compute_bytes == pytest.approx(reserved.compute_bytes + n_logits_bytes, abs=ROUNDING)


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_a_model_with_paged_experts_takes_no_more(tmp_path: Path, architecture: TinyArchitecture) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", architecture)
    header = read_gguf_header(path)
    store = GgufStore(header)
    footprint = footprint_of(path, SIZES[1])
    slots = dict.fromkeys(store.layers, header.n_expert_used)
    with (
        PagedModel(header, store, capacity=slots, staged_capacity=slots, n_readers=1, direct_io=True) as paged,
        context_on(paged.model, SIZES[1]) as context,
    ):
        real = context.buffer_bytes
    assert footprint.kv_bytes + ROUNDING >= real.kv_bytes
    assert footprint.compute_bytes + ROUNDING >= real.compute_bytes + real.output_bytes


def test_it_is_the_same_once_the_pager_is_a_device(model: Path) -> None:
    load()
    pager_device()
    sizes = SIZES[1]
    with LlamaModel.open(model) as opened, context_on(opened, sizes) as context:
        real = context.buffer_bytes
    assert footprint_of(model, sizes).compute_bytes < 1.5 * (real.compute_bytes + real.output_bytes)


def test_it_loads_no_weights(tmp_path: Path) -> None:
    """A file whose weights are missing cannot be loaded, but measured."""
    whole = build_tiny_model(tmp_path / "whole.gguf", TinyArchitecture.DENSE)
    bare = tmp_path / "bare.gguf"
    header = read_gguf_header(whole)
    first = min(tensor.offset for tensor in header.tensors.values())
    with whole.open("rb") as source, bare.open("wb") as target:
        target.write(source.read(first))
        target.truncate(whole.stat().st_size)
    assert footprint_of(bare, SIZES[0]) == footprint_of(whole, SIZES[0])


def test_a_file_that_llama_cpp_refuses(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelFileError, match=r"llama\.cpp cannot open it: \S+"):
        footprint_of(path, SIZES[0])


def test_a_context_that_llama_cpp_refuses(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)
    with pytest.raises(DecodeError, match="context of 256 tokens"):
        measure_footprint(path, n_ctx=256, n_batch=0, n_ubatch=0, n_outputs_max=1)


def test_caches_are_summed() -> None:
    lines = [
        "llama_kv_cache: size =    6.00 MiB (  4096 cells,   3 layers,  1/1 seqs), K (f16):    3.00 MiB",
        "llama_kv_cache: size =    1.50 MiB (   768 cells,   3 layers,  1/1 seqs), K (f16):    0.75 MiB",
        "llama_memory_recurrent: size =    0.25 MiB (     1 cells,   3 layers,  1 seqs), R (f32):    0.25 MiB",
    ]
    assert parse_footprint(lines) == Footprint(kv_bytes=round(7.75 * MIB), compute_bytes=0)


def test_buffers_of_different_memory_are_summed_and_of_the_same_counted_once() -> None:
    lines = [
        "llama_context:        CPU  output buffer size =     0.50 MiB",
        "sched_reserve:        CPU compute buffer size =     9.00 MiB",
        "sched_reserve:        CPU compute buffer size =     9.25 MiB",
        "sched_reserve:    Vulkan0 compute buffer size =     2.00 MiB",
    ]
    assert parse_footprint(lines) == Footprint(kv_bytes=0, compute_bytes=round(11.75 * MIB))


def test_other_lines_say_nothing() -> None:
    lines = ["load_tensors:          CPU model buffer size =     7.00 MiB", "size = many MiB (0 cells)", ""]
    assert parse_footprint(lines) == Footprint(0, 0)


def cache_line(n_mib: float, n_cells: int, n_layer: int) -> str:
    each = f"{n_mib / 2:7.2f} MiB"
    where = f"({n_cells:6} cells, {n_layer:3} layers,  1/1 seqs)"
    return f"llama_kv_cache: size = {n_mib:7.2f} MiB {where}, K (f16): {each}, V (f16): {each}"


CUDA = [
    "load_tensors:        CUDA0 model buffer size =     0.00 MiB",
    "load_tensors:    CUDA_Host model buffer size =     0.00 MiB",
    "llama_context:  CUDA_Host  output buffer size =     0.58 MiB",
    "llama_kv_cache:      CUDA0 KV buffer size =     0.00 MiB",
    cache_line(384, 4096, 48),
    "sched_reserve:      CUDA0 compute buffer size =   300.75 MiB",
    "sched_reserve:  CUDA_Host compute buffer size =    12.01 MiB",
]
METAL = [
    "llama_context:        CPU  output buffer size =     0.58 MiB",
    "llama_kv_cache: MTL0_Private KV buffer size =     0.00 MiB",
    cache_line(96, 4096, 12),
    "llama_kv_cache: MTL0_Private KV buffer size =     0.00 MiB",
    cache_line(24, 768, 12),
    "sched_reserve:       MTL0 compute buffer size =   404.00 MiB",
    "sched_reserve:        CPU compute buffer size =     8.01 MiB",
]
VULKAN = [
    "llama_context: Vulkan_Host  output buffer size =     0.02 MiB",
    "llama_memory_recurrent:    Vulkan0 RS buffer size =     0.25 MiB",
    "llama_memory_recurrent: size =    0.25 MiB (     1 cells,   3 layers,  1 seqs 0 rs_seq), R (f32):    0.25 MiB",
    "llama_kv_cache:    Vulkan0 KV buffer size =     0.00 MiB",
    cache_line(8, 2048, 8),
    "sched_reserve:    Vulkan0 compute buffer size =     9.20 MiB",
    "sched_reserve: Vulkan_Host compute buffer size =     3.01 MiB",
]


@pytest.mark.parametrize(
    ("lines", "host_compute", "device_kv", "device_compute"),
    [(CUDA, 12.59, 384, 300.75), (METAL, 8.59, 120, 404), (VULKAN, 3.03, 8.25, 9.2)],
    ids=["cuda", "metal", "vulkan"],
)
def test_what_is_a_gpu_s_is_told_apart_by_the_names_of_buffers(
    lines: list[str], host_compute: float, device_kv: float, device_compute: float
) -> None:
    assert parse_footprint(lines, on_gpu=True) == Footprint(
        kv_bytes=0,
        compute_bytes=round(host_compute * MIB),
        device_kv_bytes=round(device_kv * MIB),
        device_compute_bytes=round(device_compute * MIB),
    )


def test_a_cache_in_the_process_s_memory_stays_there_with_a_gpu() -> None:
    lines = [*CUDA[:3], CUDA[3].replace("CUDA0", "  CPU"), *CUDA[4:]]
    footprint = parse_footprint(lines, on_gpu=True)
    assert (footprint.kv_bytes, footprint.device_kv_bytes) == (384 * MIB, 0)


@pytest.mark.parametrize("n_outputs", [1, 64])
def test_all_of_a_stand_in_is_the_device_s(model: Path, n_outputs: int) -> None:
    sizes = {"n_ctx": 256, "n_batch": 64, "n_ubatch": 64, "n_outputs_max": n_outputs}
    alone = measure_footprint(model, **sizes, device=None)
    stand_in = measure_footprint(model, **sizes, device=FootprintDevice(address=1, is_stand_in=True))
    assert stand_in == Footprint(0, 0, alone.kv_bytes, alone.compute_bytes)
    assert (alone.device_kv_bytes, alone.device_compute_bytes) == (0, 0)


def test_the_device_s_list_reaches_llama_cpp(tmp_path: Path) -> None:
    """With the processor's own device all layers are on it, and simulated as on the CPU."""
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)
    load()
    address = symbols().ggml_backend_dev_by_name(b"CPU")
    sizes = {"n_ctx": 256, "n_batch": 64, "n_ubatch": 64, "n_outputs_max": 1}
    with captured_log() as log:
        measure_footprint(path, **sizes, device=FootprintDevice(address))
    assert any("using device CPU" in line for line in log.lines)
