"""What is said of a model by its headers alone, and of the store beside it."""

import subprocess
import sys
from pathlib import Path
from struct import pack

import llama_cpp
import pytest

from fakes.raw_gguf import MOE_METADATA, UINT64, RawGguf, raw_text, raw_u32, raw_value
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import EngineConfig
from offload.demo_model import demo_model_path
from offload.engine import plan_model
from offload.errors import ModelFileError, ModelNotFoundError
from offload.gguf_header import read_gguf_header
from offload.gguf_types import GUESSED_FILE_TYPE, FileType
from offload.inspection import MAX_NAME_CHARACTERS, inspect_model
from offload.model_summary import PackState
from offload.store_choice import pack_model

N_RAW_PARAMS = 8 * 3 + 8 * 2 * 4 + 256 * 4


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q8_0)


def raw_model(folder: Path, *metadata: bytes) -> Path:
    return RawGguf(metadata=(*MOE_METADATA, *metadata)).write(folder / "raw.gguf")


def test_the_summary_is_the_header_s_words(model: Path) -> None:
    summary, header = inspect_model(model), read_gguf_header(model)
    assert (summary.path, summary.name, summary.architecture) == (str(model), "tiny random qwen3moe", "qwen3moe")
    assert (summary.n_layer, summary.n_expert, summary.n_expert_used) == (3, 8, 2)
    assert (summary.n_files, summary.file_bytes) == (1, model.stat().st_size)
    assert 0 < summary.expert_bytes == header.expert_bytes < summary.file_bytes
    assert summary.context_length == header.count("context_length")


def test_parameters_are_the_elements_of_all_tensors(tmp_path: Path) -> None:
    assert inspect_model(raw_model(tmp_path)).n_params == N_RAW_PARAMS


def test_without_a_path_the_demo_model_is_summarized() -> None:
    summary = inspect_model()
    assert (summary.path, summary.quantization) == (str(demo_model_path()), "Q4_K_M")


def test_all_files_of_a_split_model_count_whichever_is_named(tmp_path: Path) -> None:
    first = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, split=5)
    whole = build_tiny_model(tmp_path / "whole.gguf", TinyArchitecture.QWEN3MOE)
    files = sorted(tmp_path.glob("model-*.gguf"))
    summary = inspect_model(files[3])
    assert (summary.path, summary.n_files) == (str(first), 5)
    assert summary.file_bytes == sum(file.stat().st_size for file in files)
    assert summary.n_params == inspect_model(whole).n_params


def test_an_architecture_that_llama_cpp_does_not_know_is_summarized(tmp_path: Path) -> None:
    metadata = (
        raw_text("general.architecture", "tomorrow"),
        raw_u32("tomorrow.block_count", 1),
        raw_u32("tomorrow.expert_count", 4),
        raw_u32("tomorrow.expert_used_count", 2),
    )
    path = RawGguf(metadata=metadata).write(tmp_path / "new.gguf")
    with pytest.raises(ModelFileError, match=r"llama\.cpp cannot open it"):
        plan_model(path, EngineConfig())
    summary = inspect_model(path)
    assert (summary.architecture, summary.n_expert, summary.pack_state) == ("tomorrow", 4, PackState.NONE)
    assert (summary.name, summary.context_length) == ("", 0)


@pytest.mark.parametrize(
    ("number", "name"),
    [(15, "Q4_K_M"), (0, "F32"), (38, "MXFP4_MOE"), (15 + GUESSED_FILE_TYPE, "Q4_K_M"), (4, "Q4_K"), (9999, "Q4_K")],
)
def test_the_quantization_is_the_file_type_s_name_else_the_type_of_most_bytes(
    tmp_path: Path, number: int, name: str
) -> None:
    assert inspect_model(raw_model(tmp_path, raw_u32("general.file_type", number))).quantization == name


def test_a_file_type_that_is_no_number_says_nothing(tmp_path: Path) -> None:
    assert inspect_model(raw_model(tmp_path, raw_text("general.file_type", "Q4_K_M"))).quantization == "Q4_K"
    assert inspect_model(raw_model(tmp_path)).quantization == "Q4_K"


def test_file_types_are_llama_cpp_s() -> None:
    constants = {
        name.removeprefix("LLAMA_FTYPE_").removeprefix("MOSTLY_").removeprefix("ALL_"): number
        for name, number in vars(llama_cpp).items()
        if name.startswith("LLAMA_FTYPE_")
    }
    assert constants.pop("GUESSED") == GUESSED_FILE_TYPE
    assert {member.name: member.value for member in FileType} == constants


def test_a_name_is_one_line_that_fits_a_list(tmp_path: Path) -> None:
    assert inspect_model(raw_model(tmp_path, raw_text("general.name", " two\nlines\t"))).name == "two lines"
    assert len(inspect_model(raw_model(tmp_path, raw_text("general.name", "a" * 10**6))).name) == MAX_NAME_CHARACTERS


def test_a_context_longer_than_any_is_refused(tmp_path: Path) -> None:
    length = raw_value("qwen3moe.context_length", UINT64, pack("<Q", 2**64 - 1))
    with pytest.raises(ModelFileError, match=str(2**64 - 1)):
        inspect_model(raw_model(tmp_path, length))


def test_a_missing_file_and_a_missing_part_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.gguf"):
        inspect_model(tmp_path / "nowhere.gguf")
    first = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, split=5)
    (tmp_path / "model-00003-of-00005.gguf").unlink()
    with pytest.raises(ModelNotFoundError, match="Part 3 of 5"):
        inspect_model(first)


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_a_file_that_was_cut_short_is_refused(model: Path, kept: int) -> None:
    model.write_bytes(model.read_bytes()[:kept])
    with pytest.raises(ModelFileError) as caught:
        inspect_model(model)
    assert caught.value.file == model


def test_a_file_that_is_no_gguf_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("some notes")
    with pytest.raises(ModelFileError, match="not a GGUF file"):
        inspect_model(tmp_path / "notes.gguf")
    with pytest.raises(ModelFileError):
        inspect_model(tmp_path)


def test_a_dense_model_has_nothing_to_pack(tmp_path: Path) -> None:
    summary = inspect_model(build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE))
    assert (summary.pack_state, summary.packed_bytes, summary.expert_bytes) == (PackState.DENSE, 0, 0)
    assert (summary.n_expert, summary.n_expert_used) == (0, 0)


def test_a_packed_store_beside_the_model_is_ready(model: Path) -> None:
    assert (inspect_model(model).pack_state, inspect_model(model).packed_bytes) == (PackState.NONE, 0)
    packed = pack_model(model)
    summary = inspect_model(model)
    assert (summary.pack_state, summary.packed_bytes) == (PackState.READY, packed.stat().st_size)


def test_a_store_of_another_model_or_damaged_is_stale_and_no_error(model: Path) -> None:
    packed = pack_model(model)
    build_tiny_model(model, TinyArchitecture.QWEN3MOE, ExpertTypes.Q8_0, seed=1)
    assert inspect_model(model).pack_state is PackState.STALE
    packed.write_bytes(b"something else entirely")
    summary = inspect_model(model)
    assert (summary.pack_state, summary.packed_bytes) == (PackState.STALE, 23)


def test_inspecting_does_not_wait_for_the_engine_to_be_imported() -> None:
    program = "import sys, offload.inspection; print('offload.engine' in sys.modules, 'llama_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False False\n"
