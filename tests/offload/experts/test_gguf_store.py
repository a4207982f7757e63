"""Where the GGUF store says that experts lie."""

from pathlib import Path

import pytest

from fakes.expert_files import keys_of, write_expert_model
from offload.errors import ModelFileError
from offload.experts.gguf_store import GgufStore
from offload.experts.key import ExpertKey
from offload.experts.store import PAGE, Codec, WeightKind, WeightLayout
from offload.gguf_header import ExpertTensor, GgmlType, GgufHeader, TensorInfo, read_gguf_header


def test_spans_point_at_the_experts_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    written = write_expert_model(path)
    store = GgufStore(read_gguf_header(path))
    content = path.read_bytes()
    for key in keys_of(store):
        for span in store.spans(key):
            stored = content[span.offset : span.offset + span.stored_bytes]
            assert stored == written[key.layer, span.kind.value][key.expert].tobytes()


def test_parts_come_in_one_order_whatever_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, kinds=("down", "up", "gate"))
    store = GgufStore(read_gguf_header(path))
    kinds = [WeightKind.GATE, WeightKind.UP, WeightKind.DOWN]
    assert [part.kind for part in store.layers[0].parts] == kinds
    assert [span.kind for span in store.spans(ExpertKey(1, 2))] == kinds


@pytest.mark.parametrize("kinds", [("up", "down"), ("gate_up", "down")])
def test_models_without_gate_or_with_fused_gate_up_are_arranged(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, kinds=kinds)
    store = GgufStore(read_gguf_header(path))
    assert [part.kind.value for part in store.layers[0].parts] == list(kinds)


def test_layouts_are_plain_and_spans_raw(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path)
    store = GgufStore(read_gguf_header(path))
    assert {part.layout for layer in store.layers.values() for part in layer.parts} == {WeightLayout.PLAIN}
    assert {(span.codec, span.stored_bytes == span.n_bytes) for span in store.spans(ExpertKey(0, 0))} == {
        (Codec.RAW, True)
    }


def test_phase_is_constant_where_experts_are_whole_pages(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, shape=(4, 2048))
    store = GgufStore(read_gguf_header(path))
    for key in keys_of(store):
        for part, span in zip(store.layers[key.layer].parts, store.spans(key), strict=True):
            assert part.phase == span.offset % PAGE
            assert part.region_bytes % PAGE == 0
            assert part.start + part.n_bytes <= part.region_bytes


def test_phase_is_unknown_where_experts_are_not_whole_pages(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, shape=(10, 1000))
    layers = GgufStore(read_gguf_header(path)).layers
    assert {part.phase for layer in layers.values() for part in layer.parts} == {-1}
    assert {part.start for layer in layers.values() for part in layer.parts} == {0}


def test_phase_of_a_single_expert_is_its_own(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, n_expert=1, shape=(10, 1000))
    store = GgufStore(read_gguf_header(path))
    assert [part.phase for part in store.layers[0].parts] == [
        span.offset % PAGE for span in store.spans(ExpertKey(0, 0))
    ]


def test_dense_model_has_no_layers(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path, kinds=())
    assert dict(GgufStore(read_gguf_header(path)).layers) == {}


@pytest.mark.parametrize("key", [ExpertKey(2, 0), ExpertKey(0, 4), ExpertKey(0, -1)])
def test_unknown_expert_is_a_key_error(tmp_path: Path, key: ExpertKey) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path)
    store = GgufStore(read_gguf_header(path))
    with pytest.raises(KeyError):
        store.spans(key)


class HeaderOf(GgufHeader):
    """A header with whatever expert tensors a test likes."""

    found: tuple[ExpertTensor, ...]

    @property
    def expert_tensors(self) -> tuple[ExpertTensor, ...]:
        return self.found


def header_of(*tensors: ExpertTensor) -> HeaderOf:
    header = HeaderOf(files=(Path("one.gguf"), Path("two.gguf")), version=3, metadata={}, tensors={}, alignment=32)
    object.__setattr__(header, "found", tensors)
    return header


def expert_tensor(kind: str, *, n_expert: int = 4, file_index: int = 0) -> ExpertTensor:
    name = f"blk.0.ffn_{kind}_exps.weight"
    info = TensorInfo(name, (8, 8, n_expert), GgmlType.I8, file_index, 4096, 64 * n_expert)
    return ExpertTensor(0, kind, info, n_expert, 64)


def test_spans_of_a_split_model_name_their_file() -> None:
    store = GgufStore(header_of(expert_tensor("up"), expert_tensor("down", file_index=1)))
    assert store.files == (Path("one.gguf"), Path("two.gguf"))
    assert [span.file_index for span in store.spans(ExpertKey(0, 3))] == [0, 1]


def test_tensors_that_disagree_on_experts_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"3 experts, but blk\.0\.ffn_up_exps\.weight of the same layer has 4"):
        GgufStore(header_of(expert_tensor("up"), expert_tensor("down", n_expert=3)))


def test_two_tensors_of_one_kind_are_refused() -> None:
    with pytest.raises(ModelFileError, match="two tensors of up weights"):
        GgufStore(header_of(expert_tensor("up"), expert_tensor("up")))
