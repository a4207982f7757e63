"""Opening model files with llama.cpp: what a model says of itself, and what a bad file leads to."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.llama_models import N_CTX
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import CancelledError, ModelFileError, ModelNotFoundError, UsageError
from offload.llama.context import LlamaContext
from offload.llama.library import captured_log, load
from offload.llama.model import BufferOverride, LlamaModel


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf", TinyArchitecture.QWEN3MOE, n_layer=2)


def test_a_model_says_what_it_is(model_path: Path) -> None:
    with LlamaModel.open(model_path) as model:
        assert (model.n_layer, model.n_embd, model.n_vocab) == (2, 256, 320)
        assert model.n_ctx_train == 512
        assert "qwen3moe" in model.description
        assert not model.has_encoder
        assert not model.is_recurrent
        assert model.chat_template is not None
        assert "<|im_start|>" in model.chat_template


def test_metadata_is_read_whole_however_long_a_value_is(model_path: Path) -> None:
    with LlamaModel.open(model_path, vocab_only=True) as model:
        metadata = model.metadata()
        assert metadata["general.architecture"] == "qwen3moe"
        assert metadata["tokenizer.chat_template"] == model.chat_template


@pytest.mark.parametrize("direct_io", [True, False])
def test_both_ways_of_reading_give_a_model(model_path: Path, direct_io: bool) -> None:
    with LlamaModel.open(model_path, direct_io=direct_io) as model:
        assert model.handle


def test_split_files_are_one_model(tmp_path: Path) -> None:
    first = build_tiny_model(tmp_path / "split.gguf", TinyArchitecture.MIXTRAL, split=2)
    with LlamaModel.open(first) as model:
        assert model.n_layer == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.gguf"):
        LlamaModel.open(tmp_path / "nowhere.gguf")


def test_a_folder_is_no_model_file(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        LlamaModel.open(tmp_path)


def test_a_truncated_file_is_refused_with_llama_cpp_s_reason(model_path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(model_path.read_bytes()[:-1000])
    with pytest.raises(ModelFileError, match="not within the file bounds") as caught:
        LlamaModel.open(cut)
    assert caught.value.file == cut


@pytest.mark.parametrize("content", [b"", b"GGUF", b"no model at all"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "junk.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot load this model"):
        LlamaModel.open(path)


def test_progress_grows_to_the_whole(model_path: Path) -> None:
    seen: list[float] = []

    def note(share: float) -> bool:
        seen.append(share)
        return True

    with LlamaModel.open(model_path, on_progress=note):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_progress_that_says_stop_cancels(model_path: Path) -> None:
    with pytest.raises(CancelledError):
        LlamaModel.open(model_path, on_progress=lambda share: share < 0.5)


def _fail(_share: float) -> bool:
    raise ZeroDivisionError("from the callback")


@pytest.mark.parametrize("on_progress", [_fail])
def test_what_progress_raises_comes_out_of_open(model_path: Path, on_progress: Callable[[float], bool]) -> None:
    with pytest.raises(ZeroDivisionError, match="from the callback"):
        LlamaModel.open(model_path, on_progress=on_progress)


def test_an_override_decides_the_buffer_of_the_tensors_it_names(model_path: Path) -> None:
    load()
    import llama_cpp

    buffer_type = llama_cpp.llama_cpp._lib.ggml_backend_cpu_buffer_type
    buffer_type.restype = ctypes.c_void_p
    overrides = [BufferOverride(r"ffn_(gate|up|down)_exps\.weight", int(buffer_type()))]
    with captured_log() as log, LlamaModel.open(model_path, overrides=overrides):
        pass
    moved = [line for line in log.lines if "overrid" in line and "_exps.weight" in line]
    assert len(moved) == 2 * 3


def test_closing_a_model_closes_its_contexts_first(model_path: Path) -> None:
    model = LlamaModel.open(model_path)
    context = LlamaContext.open(model, n_ctx=N_CTX, n_threads=1)
    model.close()
    with pytest.raises(UsageError, match="closed"):
        context.decode([1], position=0)


def test_a_closed_model_is_refused_and_closing_again_does_nothing(model_path: Path) -> None:
    model = LlamaModel.open(model_path)
    model.close()
    model.close()
    with pytest.raises(UsageError, match="closed"):
        _ = model.handle
