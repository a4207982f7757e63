"""What a header says beyond the summary."""

from pathlib import Path

from fakes.model_files import model_file
from fakes.raw_gguf import MOE_METADATA, UINT32, RawGguf, raw_array, raw_text
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.gguf_header import ArraySummary, MetadataType, read_gguf_header
from offload.model_details import read_details, value_text


def test_licence_and_other_general_keys_are_read(tmp_path: Path) -> None:
    metadata = (*MOE_METADATA, raw_text("general.license", "mit"), raw_text("general.author", "a person"))
    details = read_details(read_gguf_header(RawGguf(metadata=metadata).write(tmp_path / "m.gguf")))
    assert (details.licence, details.general) == ("mit", {"author": "a person"})
    assert (details.gguf_version, details.n_tensors, details.dense_bytes) == (3, 3, 96)


def test_tokenizer_and_chat_template_are_read(tmp_path: Path) -> None:
    header = read_gguf_header(build_tiny_model(tmp_path / "m.gguf", TinyArchitecture.QWEN3MOE))
    details = read_details(header)
    assert details.tokenizer.startswith("gpt2")
    assert details.n_vocab > 0
    assert details.has_chat_template == ("tokenizer.chat_template" in header.metadata)


def test_what_is_not_said_is_empty(tmp_path: Path) -> None:
    details = read_details(read_gguf_header(RawGguf().write(tmp_path / "m.gguf")))
    assert (details.licence, details.tokenizer, details.n_vocab, details.has_chat_template) == ("", "", 0, False)


def test_long_lists_are_said_by_their_length(tmp_path: Path) -> None:
    long = raw_array("general.numbers", UINT32, 12, bytes(48))
    header = read_gguf_header(RawGguf(metadata=(*MOE_METADATA, long)).write(tmp_path / "m.gguf"))
    assert value_text(header.metadata["general.numbers"]) == "0, 0, 0, 0, 0, 0, 0, 0 and 4 more"
    assert value_text(ArraySummary(MetadataType.STRING, 151936)) == "151936 of string"
    assert value_text("text") == "text"


def test_a_licence_that_is_no_text_is_not_said(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.gguf", licence="")
    assert read_details(read_gguf_header(path)).licence == ""
