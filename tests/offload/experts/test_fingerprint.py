"""What tells model files apart, and what does not."""

from pathlib import Path

import pytest

from fakes.expert_files import write_expert_model
from offload.errors import ModelFileError
from offload.experts.fingerprint import SourceFile, source_files
from offload.gguf_header import read_gguf_header


def identity(path: Path, *, seed: int = 0, name: str = "experts") -> SourceFile:
    write_expert_model(path, seed=seed, name=name)
    return source_files(read_gguf_header(path))[0]


def test_same_model_under_another_name_has_the_same_fingerprint(tmp_path: Path) -> None:
    first, second = identity(tmp_path / "first.gguf"), identity(tmp_path / "second.gguf")
    assert first.name != second.name
    assert (first.n_bytes, first.fingerprint) == (second.n_bytes, second.fingerprint)


def test_other_weights_under_the_same_header_have_another_fingerprint(tmp_path: Path) -> None:
    first, second = identity(tmp_path / "a.gguf", seed=1), identity(tmp_path / "b.gguf", seed=2)
    assert first.n_bytes == second.n_bytes
    assert first.fingerprint != second.fingerprint


def test_other_metadata_has_another_fingerprint(tmp_path: Path) -> None:
    first, second = identity(tmp_path / "a.gguf", name="one"), identity(tmp_path / "b.gguf", name="two")
    assert first.fingerprint != second.fingerprint


def test_file_that_is_gone_is_a_model_file_error(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    write_expert_model(path)
    header = read_gguf_header(path)
    path.unlink()
    with pytest.raises(ModelFileError, match="could not be read"):
        source_files(header)
