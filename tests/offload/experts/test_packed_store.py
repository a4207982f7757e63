"""Which packed stores are trusted, and where they lie."""

from pathlib import Path

import pytest

from fakes.expert_files import ReversingInterleaver, write_expert_model
from offload.errors import ModelFileError, ModelNotFoundError, StaleStoreError
from offload.experts.key import ExpertKey
from offload.experts.packed_store import PackedStore, packed_path_for
from offload.experts.packing import pack_model
from offload.gguf_header import GgufHeader, read_gguf_header

NAME = "REVERSED/test"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    write_expert_model(path)
    return path


def pack(model: Path) -> tuple[Path, GgufHeader]:
    header = read_gguf_header(model)
    destination = packed_path_for(model)
    pack_model(header, destination, interleaver=ReversingInterleaver(NAME))
    return destination, header


@pytest.mark.parametrize(
    ("model_name", "packed_name"),
    [
        ("model.gguf", "model.offload"),
        ("model.Q4_K.gguf", "model.Q4_K.offload"),
        ("model-00001-of-00003.gguf", "model.offload"),
        ("model-00002-of-00003.gguf", "model.offload"),
    ],
)
def test_packed_store_lies_beside_its_model(model_name: str, packed_name: str) -> None:
    assert packed_path_for(Path("models") / model_name) == Path("models") / packed_name


def test_renamed_model_keeps_its_packed_store(model: Path) -> None:
    packed, _ = pack(model)
    renamed = model.rename(model.with_name("renamed.gguf"))
    assert PackedStore.open(packed, read_gguf_header(renamed), NAME).files == (packed,)


def test_store_of_another_cpu_is_stale(model: Path) -> None:
    packed, header = pack(model)
    with pytest.raises(StaleStoreError, match=r"layout REVERSED/test, this one has OTHER.*offload pack") as caught:
        PackedStore.open(packed, header, "OTHER")
    assert caught.value.file == packed


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seed": 9}, id="other weights under the same header"),
        pytest.param({"name": "other"}, id="other metadata"),
    ],
)
def test_store_of_another_version_of_the_model_is_stale(model: Path, change: dict[str, int | str]) -> None:
    packed, _ = pack(model)
    write_expert_model(model, **change)  # type: ignore[arg-type]
    with pytest.raises(StaleStoreError, match=r"another model\.gguf, or from an earlier version of it"):
        PackedStore.open(packed, read_gguf_header(model), NAME)


@pytest.mark.parametrize("change", [{"n_expert": 5}, {"n_layer": 3}, {"shape": (1000, 10)}, {"kinds": ("up", "down")}])
def test_store_of_a_model_of_another_shape_is_stale(model: Path, change: dict[str, int]) -> None:
    packed, _ = pack(model)
    write_expert_model(model, **change)  # type: ignore[arg-type]
    with pytest.raises(StaleStoreError, match="another shape"):
        PackedStore.open(packed, read_gguf_header(model), NAME)


def test_store_of_another_format_version_is_stale(model: Path) -> None:
    packed, header = pack(model)
    content = bytearray(packed.read_bytes())
    content[8] = 2
    packed.write_bytes(content)
    with pytest.raises(StaleStoreError, match=r"format version 2, this release reads 1.*offload pack"):
        PackedStore.open(packed, header, NAME)


def test_missing_store_is_not_found(model: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        PackedStore.open(model.with_suffix(".offload"), read_gguf_header(model), NAME)


def test_folder_is_no_store(model: Path) -> None:
    with pytest.raises(ModelFileError, match="could not be read"):
        PackedStore.open(model.parent, read_gguf_header(model), NAME)


@pytest.mark.parametrize("key", [ExpertKey(2, 0), ExpertKey(0, 4), ExpertKey(0, -1)])
def test_unknown_expert_is_a_key_error(model: Path, key: ExpertKey) -> None:
    packed, header = pack(model)
    store = PackedStore.open(packed, header, NAME)
    with pytest.raises(KeyError):
        store.spans(key)


def test_store_says_what_it_was_made_from(model: Path) -> None:
    packed, header = pack(model)
    description = PackedStore.open(packed, header, NAME).description
    assert (description.architecture, description.cpu_layout) == ("qwen3moe", NAME)
    assert [source.name for source in description.sources] == ["model.gguf"]
    assert description.written_by.startswith("offload")
