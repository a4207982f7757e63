"""The CPU kernels: which of several builds of ggml's CPU library this processor runs.

An installer carries that library once for each level of x86-64, in `kernels/LEVEL/` beside llama.cpp's other libraries.
The one chosen is loaded before llama.cpp, whose own wish for a library of that name the dynamic linker then takes as
fulfilled. Where there is no such folder, as in every environment of pip's, llama.cpp has its one library, and nothing
is done. Linux only: elsewhere installers carry one build. Thread rule: any thread.
"""

import ctypes
import functools
import importlib.util
import os
from collections.abc import Set
from pathlib import Path

from offload.errors import AbiError
from offload.machine import cpu_flags

_V3 = frozenset({"avx", "avx2", "fma", "f16c", "bmi2"})
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512vbmi", "avx512_vnni"}
LEVELS = (("x86-64-v4", _V4), ("x86-64-v3", _V3), ("x86-64-v2", frozenset[str]()))
"""Folder and the flags, as Linux names them, that its library is compiled with; best first. packaging/llama_kernels.sh
makes them; its v4 uses VBMI and VNNI too."""
BASE, KERNELS = "libggml-base.so.0", "libggml-cpu.so.0"


def level_for(flags: Set[str]) -> str:
    """Return the best level whose every flag is among `flags`."""
    return next(level for level, needed in LEVELS if needed <= flags)


@functools.cache
def load_kernels() -> str:
    """Load the kernels for this processor, before anything imports `llama_cpp`; a second call does nothing.

    Returns:
        Their level; empty where llama.cpp's own library is the only one.

    Raises:
        AbiError: the library chosen is missing or cannot be loaded.
    """
    folder = _library_folder()
    if folder is None or not (folder / "kernels").is_dir():
        return ""
    level = level_for(cpu_flags())
    try:
        # The kernels are linked with the base library, whose folder they do not know.
        for library in (folder / BASE, folder / "kernels" / level / KERNELS):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        message = f"llama.cpp's kernels for {level} cannot be loaded: {error}."
        raise AbiError(message, hint="Install offload again.") from error
    return level


def _library_folder() -> Path | None:
    """Return where `llama_cpp` will look for its libraries, by its own rule, without importing it."""
    # Source: llama_cpp/llama_cpp.py, `_override_base_path`.
    if (override := os.environ.get("LLAMA_CPP_LIB_PATH")) is not None:
        return Path(override)
    package = importlib.util.find_spec("llama_cpp")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "lib"
