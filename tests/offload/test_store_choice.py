"""Which store is chosen, what is refused rather than trusted, and packing and checking as a user asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import StoreChoice
from offload.errors import CancelledError, ModelFileError, ModelNotFoundError, StaleStoreError, UsageError
from offload.experts import packing
from offload.experts.gguf_store import GgufStore
from offload.experts.key import ExpertKey
from offload.experts.packed_store import PackedStore
from offload.experts.store import WeightLayout
from offload.ggml.interleave import Interleaver
from offload.gguf_header import read_gguf_header
from offload.llama.library import load
from offload.model_summary import PackState
from offload.store_choice import choose_store, pack_model, pack_state, verify_store


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0)


@pytest.fixture
def interleaver() -> Iterator[Interleaver]:
    load()
    made = Interleaver()
    yield made
    made.close()


class OfAnotherCpu:
    """Interleaves as this CPU does, and says that it is another."""

    def __init__(self, interleaver: Interleaver, *, supports: bool) -> None:
        self._interleaver, self._supports = interleaver, supports
        self.layout_name = "CPU_REPACK/of another CPU"
        self.interleave = interleaver.interleave

    def supports(self, ggml_type: int, ne0: int, ne1: int) -> bool:
        return self._supports and self._interleaver.supports(ggml_type, ne0, ne1)


def test_a_dense_model_has_no_store(tmp_path: Path) -> None:
    header = read_gguf_header(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE))
    assert choose_store(header, StoreChoice.AUTO) is None


def test_without_a_packed_store_the_gguf_is_read(model: Path) -> None:
    store = choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert isinstance(store, GgufStore)
    assert store.files == (model,)


def test_a_packed_store_beside_the_model_is_found(model: Path) -> None:
    packed = pack_model(model)
    store = choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert isinstance(store, PackedStore)
    assert store.files == (packed,) == (model.with_suffix(".offload"),)


def test_a_split_model_has_one_packed_store(tmp_path: Path) -> None:
    first = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, split=5)
    packed = pack_model(first)
    assert packed == tmp_path / "model.offload"
    assert isinstance(choose_store(read_gguf_header(first), StoreChoice.AUTO), PackedStore)


def test_the_gguf_may_be_asked_for(model: Path) -> None:
    pack_model(model)
    assert isinstance(choose_store(read_gguf_header(model), StoreChoice.GGUF), GgufStore)


def test_a_packed_store_elsewhere_is_not_found(model: Path, tmp_path: Path) -> None:
    pack_model(model, tmp_path / "elsewhere.offload")
    assert isinstance(choose_store(read_gguf_header(model), StoreChoice.AUTO), GgufStore)


def test_a_stale_store_is_refused_with_advice(model: Path) -> None:
    pack_model(model)
    build_tiny_model(model, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, seed=1)
    with pytest.raises(StaleStoreError, match=r"another model\.gguf, or from an earlier") as caught:
        choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert caught.value.hint == f"Run: offload pack {model}"
    assert isinstance(choose_store(read_gguf_header(model), StoreChoice.GGUF), GgufStore)


def test_the_store_of_a_model_of_another_shape_is_refused(model: Path) -> None:
    pack_model(model)
    build_tiny_model(model, TinyArchitecture.QWEN3MOE, ExpertTypes.Q8_0)
    with pytest.raises(StaleStoreError, match="another shape"):
        choose_store(read_gguf_header(model), StoreChoice.AUTO)


def test_a_store_for_another_cpu_is_refused(model: Path, interleaver: Interleaver) -> None:
    header = read_gguf_header(model)
    destination = model.with_suffix(".offload")
    packing.pack_model(header, destination, interleaver=OfAnotherCpu(interleaver, supports=True))
    usable = interleaver.supports(2, 256, 256)
    if usable:
        with pytest.raises(StaleStoreError, match="CPU_REPACK/of another CPU"):
            choose_store(header, StoreChoice.AUTO)
    else:  # nothing is interleaved here, so it serves any CPU
        assert isinstance(choose_store(header, StoreChoice.AUTO), PackedStore)


def test_a_plain_store_serves_any_cpu(model: Path, interleaver: Interleaver) -> None:
    header = read_gguf_header(model)
    packing.pack_model(header, model.with_suffix(".offload"), interleaver=OfAnotherCpu(interleaver, supports=False))
    assert isinstance(choose_store(header, StoreChoice.AUTO), PackedStore)


def test_a_file_that_is_no_packed_store_is_refused(model: Path) -> None:
    model.with_suffix(".offload").write_bytes(b"something else entirely" * 1000)
    with pytest.raises(ModelFileError, match=r"model\.offload"):
        choose_store(read_gguf_header(model), StoreChoice.AUTO)


def test_packing_interleaves_what_has_a_kernel(model: Path, interleaver: Interleaver) -> None:
    pack_model(model)
    store = choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert store is not None
    wanted = WeightLayout.INTERLEAVED if interleaver.supports(2, 256, 256) else WeightLayout.PLAIN
    assert {part.layout for layout in store.layers.values() for part in layout.parts} == {wanted}


def test_packing_plain_interleaves_nothing(model: Path) -> None:
    pack_model(model, layout="plain")
    store = choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert store is not None
    assert {part.layout for layout in store.layers.values() for part in layout.parts} == {WeightLayout.PLAIN}


def test_an_unknown_layout_is_refused(model: Path) -> None:
    with pytest.raises(UsageError, match=r"no layout 'sideways'\. Choose interleaved or plain"):
        pack_model(model, layout="sideways")


def test_an_existing_file_is_replaced_only_by_force(model: Path) -> None:
    packed = pack_model(model)
    before = packed.read_bytes()
    with pytest.raises(UsageError, match="--force"):
        pack_model(model, layout="plain")
    assert packed.read_bytes() == before
    assert pack_model(model, layout="plain", force=True) == packed
    assert packed.read_bytes() != before


def test_a_dense_model_cannot_be_packed(tmp_path: Path) -> None:
    model = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)
    with pytest.raises(UsageError):
        pack_model(model)
    assert list(tmp_path.iterdir()) == [model]


def test_a_missing_model_cannot_be_packed(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        pack_model(tmp_path / "model.gguf")


def test_packing_may_be_stopped_and_leaves_nothing(model: Path) -> None:
    seen: list[tuple[int, int]] = []

    def stop_half_way(done: int, total: int) -> bool:
        seen.append((done, total))
        return done < total / 2

    with pytest.raises(CancelledError):
        pack_model(model, on_progress=stop_half_way)
    assert list(model.parent.iterdir()) == [model]
    assert len(seen) > 1


def test_a_whole_store_verifies(model: Path) -> None:
    packed = pack_model(model)
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> bool:
        seen.append((done, total))
        return True

    assert verify_store(packed, on_progress=watch) == []
    assert seen[-1][0] == seen[-1][1]


def test_the_damaged_expert_is_named(model: Path) -> None:
    packed = pack_model(model)
    store = choose_store(read_gguf_header(model), StoreChoice.AUTO)
    assert store is not None
    key = ExpertKey(1, 5)
    offset = store.spans(key)[-1].offset
    with packed.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))
    assert verify_store(packed) == [key]


def test_the_demo_model_is_what_is_packed_by_default(tmp_path: Path) -> None:
    packed = pack_model(None, tmp_path / "demo.offload")
    assert packed == tmp_path / "demo.offload"
    assert verify_store(packed) == []


def test_what_lies_beside_a_model_is_told_without_an_error(model: Path, interleaver: Interleaver) -> None:
    header = read_gguf_header(model)
    assert pack_state(header) is PackState.NONE
    packed = pack_model(model)
    assert pack_state(header) is PackState.READY
    destination = model.with_suffix(".offload")
    packing.pack_model(header, destination, interleaver=OfAnotherCpu(interleaver, supports=True))
    assert pack_state(header) is (PackState.STALE if interleaver.supports(2, 256, 256) else PackState.READY)
    packed.write_bytes(packed.read_bytes()[:-1])
    assert pack_state(header) is PackState.STALE


def test_a_model_that_cannot_be_read_is_not_told_as_a_stale_store(model: Path) -> None:
    pack_model(model)
    header = read_gguf_header(model)
    model.unlink()
    with pytest.raises(ModelFileError) as caught:
        pack_state(header)
    assert caught.value.file == model
