"""The package: six names, and nothing loaded before it is asked for."""

import subprocess
import sys

import pytest

import offload

HEAVY = ("llama_cpp", "numpy", "psutil", "zstandard", "offload.engine", "offload.ggml", "offload.llama")


def modules_after(statement: str) -> set[str]:
    """Return the heavy modules that are loaded in a fresh interpreter once `statement` has run."""
    program = f"import sys; {statement}; print([name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = eval(answer.stdout)
    return set(found)


def test_there_are_six_names() -> None:
    assert offload.__all__ == ["Engine", "EngineConfig", "GenerationParams", "OffloadError", "Token", "open_model"]
    assert all(getattr(offload, name) is not None for name in offload.__all__)


def test_they_are_the_things_themselves() -> None:
    from offload import config, engine, errors

    assert offload.Engine is engine.Engine
    assert offload.open_model is engine.open_model
    assert offload.EngineConfig is config.EngineConfig
    assert offload.GenerationParams is config.GenerationParams
    assert offload.Token is config.Token
    assert offload.OffloadError is errors.OffloadError


def test_importing_loads_no_engine_and_no_native_library() -> None:
    assert modules_after("import offload") == set()
    assert modules_after("from offload import EngineConfig, GenerationParams, OffloadError, Token") == set()


def test_the_engine_is_loaded_when_asked_for_and_llama_cpp_not_even_then() -> None:
    loaded = modules_after("from offload import open_model")
    assert "offload.engine" in loaded
    assert "llama_cpp" not in loaded


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'offload' has no attribute 'no_such_name'"):
        _ = offload.no_such_name
