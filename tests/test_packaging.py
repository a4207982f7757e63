"""What an installation contains."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("folder", ["offload", "app"])
def test_every_folder_with_modules_is_a_package_so_that_it_is_installed(folder: str) -> None:
    folders = {path.parent for path in (ROOT / folder).rglob("*.py")}
    assert folders
    assert sorted(str(path) for path in folders if not (path / "__init__.py").is_file()) == []


def test_the_native_library_is_pinned_to_one_release() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "llama-cpp-python == 0.3.36" in project["dependencies"]


def test_the_core_needs_neither_qt_nor_the_hub() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = " ".join(project["dependencies"]).lower()
    assert all(name not in core for name in ("pyside", "huggingface", "torch"))
