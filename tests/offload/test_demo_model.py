"""Finding the demo model."""

import sys
from pathlib import Path

import pytest

from offload.demo_model import demo_model_path
from offload.errors import ModelNotFoundError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an importable package `models_of_a_test`."""
    folder = tmp_path / "models_of_a_test"
    (folder / "demo").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder


def test_the_demo_model_is_found_in_its_package(package: Path) -> None:
    (package / "demo" / "demo.gguf").write_bytes(b"GGUF")
    assert demo_model_path(package.name).read_bytes() == b"GGUF"


def test_a_package_without_the_demo_model_is_refused_with_the_path_looked_at(package: Path) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        demo_model_path(package.name)
    assert caught.value.path == package / "demo" / "demo.gguf"


def test_an_installation_without_models_is_refused_with_advice() -> None:
    with pytest.raises(ModelNotFoundError, match="-m") as caught:
        demo_model_path("no_such_package_of_models")
    assert caught.value.exit_code == 3
