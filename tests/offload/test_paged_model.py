"""A paged model: which tensors are paged, which dense ones interleaved, and what opening it takes."""

from pathlib import Path

import pytest

from fakes.devices import stand_in
from fakes.paged_runs import (
    StoredModel,
    gguf_model,
    packed_model,
    paged_context,
    plain_context,
    prefill,
    prompt_and_answer,
)
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import slot_home
from offload.errors import DeviceError, ModelFileError, ModelNotFoundError
from offload.experts.slot_memory import ArenaSlots
from offload.experts.slots import SlotState
from offload.ggml.device_memory import DeviceBuffer
from offload.ggml.interleave import Interleaver
from offload.gguf_header import read_gguf_header
from offload.llama.library import load
from offload.paged_model import PagedModel, dense_overrides
from offload.slot_home import paged_tensors

MOE = [architecture for architecture in TinyArchitecture if architecture.is_moe]
MULTIPLIED = {"attn_q", "attn_k", "attn_v", "attn_output", "attn_q_a", "attn_q_b", "attn_kv_a_mqa", "output"}
FEED_FORWARD = {f"ffn_{kind}{suffix}" for kind in ("gate", "up", "down") for suffix in ("", "_shexp")}


def open_paged(stored: StoredModel, **options: object) -> PagedModel:
    given = {"capacity": stored.capacity(3), "staged_capacity": None, "n_readers": 1, "direct_io": True} | options
    return PagedModel(stored.header, stored.store, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", MOE, ids=lambda architecture: architecture.name.lower())
def test_all_expert_tensors_are_paged_and_no_others(tmp_path: Path, architecture: TinyArchitecture) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", architecture))
    paged = {tensor.name for tensor in paged_tensors(stored.store, ArenaSlots(stored.store.layers))}
    assert paged == {name for name in stored.header.tensors if name.endswith("_exps.weight")}


def test_a_paged_tensor_has_room_for_every_expert_at_its_place(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, n_expert=8))
    for tensor in paged_tensors(stored.store, ArenaSlots(stored.store.layers)):
        assert tensor.stride_bytes >= tensor.phase + tensor.n_bytes
        assert tensor.rack_address <= tensor.address
        assert tensor.address + 8 * tensor.stride_bytes <= tensor.rack_address + tensor.rack_slots * tensor.stride_bytes
        assert not tensor.interleaved


@pytest.mark.parametrize("architecture", TinyArchitecture, ids=lambda architecture: architecture.name.lower())
def test_only_weights_that_are_multiplied_with_are_interleaved(tmp_path: Path, architecture: TinyArchitecture) -> None:
    load()
    header = read_gguf_header(build_tiny_model(tmp_path / "model.gguf", architecture))
    names = {override.pattern.strip("^$").replace("\\", "") for override in dense_overrides(header)}
    interleaver = Interleaver()
    try:
        wanted = {
            name
            for name, tensor in header.tensors.items()
            if name.removesuffix(".weight").split(".")[-1] in MULTIPLIED | FEED_FORWARD
            and interleaver.supports(int(tensor.type), *tensor.shape[:2])
        }
    finally:
        interleaver.close()
    assert names == wanted
    assert names <= set(header.tensors)


def test_opening_reads_no_expert(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with paged_context(stored, 3) as (paged, _):
        assert paged.pager.counts().bytes_read == 0
        assert all(set(paged.pager.states(layer)) == {SlotState.FREE} for layer in stored.store.layers)


def test_layers_use_as_many_slots_as_they_were_given(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    capacity = {0: 2, 1: 8, 2: 3}
    with paged_context(stored, capacity, n_ubatch=1, staged=False) as (paged, context):
        prefill(context)
        resident = {layer: sum(map(bool, paged.pager.states(layer))) for layer in capacity}
    assert resident == capacity


def test_staging_is_there_where_it_was_asked_for(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    for staged_capacity, expected in ((None, False), (stored.capacity(2), True)):
        with open_paged(stored, staged_capacity=staged_capacity) as paged:
            assert (paged.staging is not None) == expected


def test_a_packed_store_is_read_in_place_of_the_gguf(tmp_path: Path) -> None:
    """The experts of the GGUF may be overwritten: nothing of them is read."""
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K)
    stored = packed_model(path)
    with paged_context(stored, 3) as (_, context):
        expected = prefill(context)
    with path.open("r+b") as file:
        for tensor in stored.header.expert_tensors:
            file.seek(tensor.info.offset)
            file.write(b"\xaa" * (tensor.n_expert * tensor.expert_bytes))
    with paged_context(stored, 3) as (_, context):
        assert (prefill(context) == expected).all()


def test_progress_ends_at_one_though_the_experts_are_not_loaded(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    seen: list[float] = []

    def watch(share: float) -> bool:
        seen.append(share)
        return True

    open_paged(stored, on_progress=watch).close()
    assert seen == sorted(seen)
    assert 0.0 <= seen[0] <= seen[-1] == 1.0
    assert any(0.0 < share < 1.0 for share in seen)


def test_what_progress_raises_comes_out(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))

    def fail(share: float) -> bool:
        raise RuntimeError("window closed")

    with pytest.raises(RuntimeError, match="window closed"):
        open_paged(stored, on_progress=fail)


def test_a_model_that_has_gone_is_missed(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    stored.header.files[0].unlink()
    with pytest.raises(ModelNotFoundError):
        open_paged(stored)


def test_llama_cpps_reason_is_passed_on(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)
    stored = gguf_model(path)
    path.write_bytes(path.read_bytes().replace(b"blk.1.attn_q.weight", b"blk.1.attn_Q.weight"))
    with pytest.raises(ModelFileError, match=r"blk\.1\.attn_q\.weight"):
        open_paged(stored)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    paged = open_paged(gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)))
    paged.close()
    paged.close()


def test_slots_that_lend_their_memory_are_not_backed_by_huge_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(ArenaSlots, "use_huge_pages", lambda slots, capacity: asked.append(capacity))
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with open_paged(stored, capacity=stored.capacity(5), staged_capacity=stored.capacity(3)) as paged:
        paged.resize(stored.capacity(4), None)
    assert asked == [stored.capacity(3), stored.capacity(4)]


# -- on a device


def resident(paged: PagedModel) -> dict[int, int]:
    """Return how many experts of each layer have a slot."""
    return {layer: sum(map(bool, paged.pager.states(layer))) for layer in paged.placer._layers}


def test_on_a_device_opening_reads_and_uploads_nothing(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with open_paged(stored, device=stand_in(stored.capacity(3), host_bytes=1 << 20)) as paged:
        counts = paged.tier_counts()
        assert counts is not None
        assert (counts.bytes_read, counts.bytes_uploaded, counts.host.n_parts) == (0, 0, 0)
        assert paged.is_on_device
        assert paged.tier is not None


def test_in_this_process_s_memory_there_is_no_tier_behind_the_slots(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with open_paged(stored) as paged:
        assert (paged.tier, paged.tier_counts(), paged.is_on_device) == (None, None, False)


@pytest.mark.parametrize("on_cpu", [None, 0.5])
def test_on_a_device_fewer_slots_may_be_used_and_then_all_again(tmp_path: Path, on_cpu: float | None) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with plain_context(stored, n_ubatch=1) as context:
        expected = prompt_and_answer(context)
    share = stand_in(stored.capacity(5), host_bytes=1 << 20, on_cpu=on_cpu, staged=False)
    with paged_context(stored, 5, device=share, staged=False, n_ubatch=1) as (paged, context):
        for n_slots in (2, 4, 5):
            paged.resize(stored.capacity(n_slots), None)
            context.clear()
            assert (prompt_and_answer(context) == expected).all()
            assert set(resident(paged).values()) == {n_slots}


def test_on_a_device_no_more_is_used_than_was_taken(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    of = stored.capacity
    with open_paged(stored, capacity=of(5), staged_capacity=of(5), device=stand_in(of(5))) as paged:
        with pytest.raises(ValueError, match="6 slots of layer 0: the device has memory for 5"):
            paged.resize(of(6), None)
        with pytest.raises(ValueError, match="staging beside 3 slots"):
            paged.resize(of(5), of(3))
        paged.resize(of(3), None)
        paged.resize(of(5), of(4))
    with pytest.raises(ValueError, match="staging beside 5 slots: the device has memory for 0"):
        open_paged(stored, capacity=of(5), staged_capacity=of(5), device=stand_in(of(5), staged=False))


def test_on_a_device_the_memory_behind_may_shrink_to_nothing(tmp_path: Path) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 3, device=stand_in(stored.capacity(3), host_bytes=1 << 20)) as (paged, context):
        assert paged.tier is not None
        for host_bytes in (1 << 20, 0, 1 << 18):
            paged.tier.resize(host_bytes)
            context.clear()
            assert (prompt_and_answer(context) == expected).all()
            assert paged.tier.counts().n_bytes <= host_bytes


@pytest.mark.parametrize("on_cpu", [None, 0.5])
def test_on_a_device_closing_twice_is_harmless(tmp_path: Path, on_cpu: float | None) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    paged = open_paged(stored, device=stand_in(stored.capacity(3), host_bytes=1 << 20, on_cpu=on_cpu))
    paged.close()
    paged.close()


class CountingBuffer(DeviceBuffer):
    """Memory of a device, of which is known how much there is."""

    n_open = 0

    def __init__(self, device: int, n_bytes: int) -> None:
        super().__init__(device, n_bytes)
        CountingBuffer.n_open += 1

    def close(self) -> None:
        CountingBuffer.n_open -= self.address != 0
        super().close()


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> type[CountingBuffer]:
    monkeypatch.setattr(CountingBuffer, "n_open", 0)
    monkeypatch.setattr(slot_home, "DeviceBuffer", CountingBuffer)
    return CountingBuffer


def test_a_model_that_is_closed_leaves_none_of_a_device_s_memory_taken(
    tmp_path: Path, buffers: type[CountingBuffer]
) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    with open_paged(stored, device=stand_in(stored.capacity(3), on_cpu=0.5)):
        assert buffers.n_open > 0
    assert buffers.n_open == 0


def test_a_model_that_cannot_be_loaded_leaves_none_of_a_device_s_memory_taken(
    tmp_path: Path, buffers: type[CountingBuffer]
) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)
    stored = gguf_model(path)
    path.write_bytes(path.read_bytes().replace(b"blk.1.attn_q.weight", b"blk.1.attn_Q.weight"))
    with pytest.raises(ModelFileError):
        open_paged(stored, device=stand_in(stored.capacity(3), on_cpu=0.5))
    assert buffers.n_open == 0


def test_a_device_without_room_for_the_slots_is_told_and_gets_back_what_it_gave(
    tmp_path: Path, buffers: type[CountingBuffer], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = gguf_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE))
    share = stand_in(stored.capacity(3))
    allocate = DeviceBuffer.__init__

    def refuse(buffer: DeviceBuffer, device: int, n_bytes: int) -> None:
        if buffers.n_open == 2:
            raise DeviceError("no room", device="CPU")
        allocate(buffer, device, n_bytes)

    monkeypatch.setattr(DeviceBuffer, "__init__", refuse)
    with pytest.raises(DeviceError, match="no room"):
        open_paged(stored, device=share)
    assert buffers.n_open == 0
