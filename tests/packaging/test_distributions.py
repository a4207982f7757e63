"""The check of wheel and sdist finds what is missing and what does not belong there."""

from pathlib import Path

import pytest
from distributions import DATA, PACKAGES, ROOT, SOURCES, modules, sdist_problems, wheel_problems


@pytest.fixture
def whole_wheel() -> set[str]:
    return modules(ROOT) | set(DATA) | {"offload-0.1.0.dist-info/METADATA"}


@pytest.fixture
def whole_sdist() -> set[str]:
    own = {path.relative_to(ROOT).as_posix() for folder in PACKAGES.values() for path in (ROOT / folder).rglob("*.py")}
    return own | set(SOURCES) | {"PKG-INFO"}


def test_what_is_whole_has_no_problems(whole_wheel: set[str], whole_sdist: set[str]) -> None:
    assert wheel_problems(whole_wheel) == []
    assert sdist_problems(whole_sdist) == []


@pytest.mark.parametrize("name", [*DATA, "offload/engine.py", "offload_app/gauges/panel.py"])
def test_what_a_wheel_lacks_is_named(name: str, whole_wheel: set[str]) -> None:
    assert wheel_problems(whole_wheel - {name}) == [f"the wheel has no {name}"]


@pytest.mark.parametrize("name", ["tests/conftest.py", "offload_models/demo/train.py", "offload/cli/left_over.py"])
def test_what_does_not_belong_in_a_wheel_is_named(name: str, whole_wheel: set[str]) -> None:
    assert wheel_problems(whole_wheel | {name}) == [f"the wheel has {name}, which is not part of it"]


@pytest.mark.parametrize("name", [*SOURCES, "app/window.py"])
def test_what_an_sdist_lacks_is_named(name: str, whole_sdist: set[str]) -> None:
    assert sdist_problems(whole_sdist - {name}) == [f"the sdist has no {name}"]


@pytest.mark.parametrize("name", ["build/llama/x.so", "dist/old.whl", ".venv/pyvenv.cfg", "app/__pycache__/a.pyc"])
def test_what_a_build_left_is_named(name: str, whole_sdist: set[str]) -> None:
    assert sdist_problems(whole_sdist | {name}) == [f"the sdist has {name}"]


def test_the_data_are_in_the_tree() -> None:
    folders = {**PACKAGES, "offload_models": "models"}
    placed = [Path(folders[name.partition("/")[0]], name.partition("/")[2]) for name in DATA]
    assert [str(path) for path in placed if not (ROOT / path).is_file()] == []
