"""What the status line says."""

import pytest

from offload_app.engine_state import EngineState
from offload_app.model_status import ModelStatus, model_name, model_words, state_words


@pytest.mark.parametrize(
    ("path", "name"),
    [("/models/big.gguf", "big.gguf"), (r"C:\models\big.gguf", "big.gguf"), (None, "the demo model")],
)
def test_a_model_is_called_by_its_file(path: str | None, name: str) -> None:
    assert model_name(path) == name


def test_an_open_model_is_named_and_described() -> None:
    status = ModelStatus(EngineState.LOADED, "/m.gguf", "Qwen3 30B-A3B · Q4_K_M", 4096)
    assert model_words(status) == "m.gguf · Qwen3 30B-A3B · Q4_K_M · 4096 tokens"


def test_what_the_file_s_name_says_is_not_said_again() -> None:
    status = ModelStatus(EngineState.LOADED, "/Qwen3-30B-A3B-Q4_K_M.gguf", "Qwen3 30B-A3B · Q4_K_M", 4096)
    assert model_words(status) == "Qwen3-30B-A3B-Q4_K_M.gguf · 4096 tokens"


@pytest.mark.parametrize("state", [EngineState.READY, EngineState.DEAD, EngineState.NOT_RUNNING])
def test_where_none_is_open_none_is_named(state: EngineState) -> None:
    assert model_words(ModelStatus(state, "/m.gguf", "qwen3moe 30B")) == ""


def test_every_state_has_words_of_its_own() -> None:
    words = [state_words(ModelStatus(state)) for state in EngineState]
    assert all(words)
    assert len(set(words)) == len(words)


def test_loading_says_how_far_it_is() -> None:
    assert state_words(ModelStatus(EngineState.LOADING, fraction=0.5)) == "Loading 50 %"
