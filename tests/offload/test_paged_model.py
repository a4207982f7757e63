"""A paged model: which tensors are paged, which dense ones interleaved, and what opening it takes."""

from pathlib import Path

import pytest

from fakes.paged_runs import StoredModel, gguf_model, packed_model, paged_context, prefill
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.errors import ModelFileError, ModelNotFoundError
from offload.experts.slot_memory import ArenaSlots
from offload.experts.slots import SlotState
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
