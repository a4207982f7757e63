"""Which build of ggml's CPU library a processor gets."""

import subprocess
import sys
from pathlib import Path

import pytest

from offload.errors import AbiError
from offload.llama import kernels
from offload.llama.kernels import LEVELS, level_for, load_kernels

HASWELL = {"sse4_2", "avx", "avx2", "fma", "f16c", "bmi1", "bmi2"}
SKYLAKE_SERVER = HASWELL | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
ICE_LAKE = SKYLAKE_SERVER | {"avx512vbmi", "avx512_vnni"}


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ({"sse4_2"}, "x86-64-v2"),
        (set[str](), "x86-64-v2"),
        ({"sse4_2", "avx", "f16c"}, "x86-64-v2"),
        (HASWELL, "x86-64-v3"),
        (SKYLAKE_SERVER, "x86-64-v3"),
        (ICE_LAKE, "x86-64-v4"),
        (ICE_LAKE | {"avx512_bf16", "amx_int8"}, "x86-64-v4"),
    ],
)
def test_a_processor_gets_the_best_that_it_runs(flags: set[str], level: str) -> None:
    assert level_for(flags) == level


@pytest.mark.parametrize("missing", sorted(LEVELS[0][1]))
def test_without_one_flag_of_the_best_it_is_not_chosen(missing: str) -> None:
    assert level_for(LEVELS[0][1] - {missing}) != "x86-64-v4"


def test_where_no_kernels_are_beside_the_libraries_nothing_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from offload.llama.kernels import load_kernels; print(repr(load_kernels()))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "''\n"


def test_a_library_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    monkeypatch.setattr(kernels, "cpu_flags", lambda: frozenset(HASWELL))
    with pytest.raises(AbiError, match=r"llama.cpp's kernels for x86-64-v3 cannot be loaded: .*libggml-base"):
        load_kernels.__wrapped__()
