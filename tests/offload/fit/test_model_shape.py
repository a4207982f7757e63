"""`ModelShape` of real headers."""

from pathlib import Path

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import StoreChoice
from offload.engine import pack_model
from offload.fit.machine_speed import WeightForm
from offload.fit.model_shape import shape_of
from offload.gguf_header import read_gguf_header
from offload.gguf_types import GgmlType
from offload.store_choice import choose_store


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(
        tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_layer=2, n_expert=16
    )


def test_a_token_is_multiplied_with_its_routed_experts_and_all_dense_weights(model: Path) -> None:
    header = read_gguf_header(model)
    shape = shape_of(header)
    looked_up = header.tensors["token_embd.weight"].n_bytes if "output.weight" in header.tensors else 0
    routed = header.expert_bytes * header.n_expert_used // header.n_expert
    assert sum(shape.token_bytes.values()) == header.dense_bytes - looked_up + routed
    assert shape.token_bytes[WeightForm(GgmlType.Q4_0, interleaved=False)] == routed


def test_all_experts_of_a_token_missing_is_what_is_read_at_most(model: Path) -> None:
    header = read_gguf_header(model)
    shape = shape_of(header)
    assert shape.missed_bytes == header.expert_bytes * header.n_expert_used // header.n_expert
    assert (shape.n_layer, shape.n_expert, len(shape.expert_bytes)) == (2, 16, 2)


def test_experts_of_a_packed_store_are_interleaved(model: Path) -> None:
    pack_model(model)
    header = read_gguf_header(model)
    store = choose_store(header, StoreChoice.AUTO)
    assert store is not None
    forms = shape_of(header, store.layers).token_bytes
    plain = shape_of(header).token_bytes
    assert sum(forms.values()) == sum(plain.values())
    assert forms.keys() != plain.keys()


def test_a_dense_model_has_no_experts(tmp_path: Path) -> None:
    header = read_gguf_header(build_tiny_model(tmp_path / "dense.gguf", TinyArchitecture.DENSE))
    shape = shape_of(header)
    assert not shape.is_paged
    assert shape.missed_bytes == 0
    assert sum(shape.token_bytes.values()) > 0
