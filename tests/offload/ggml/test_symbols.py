"""ggml's functions: found in the library that llama.cpp itself runs on, each with its types."""

import ctypes
from typing import Any

import pytest

from offload.errors import AbiError
from offload.ggml.symbols import PROTOTYPES, Symbols, symbols
from offload.gguf_types import GgmlType
from offload.llama.library import load


@pytest.fixture(scope="module")
def native() -> Any:
    return load().llama_cpp._lib


def test_every_function_has_its_types(native: Any) -> None:
    ggml = symbols()
    for name, result, arguments in PROTOTYPES:
        function = getattr(ggml, name)
        assert function.restype is result
        assert tuple(function.argtypes) == arguments


def test_there_is_one_registry_for_llama_cpp_and_for_us(native: Any) -> None:
    """Another copy of the library would have a registry, and so CPU devices, of its own."""
    native.ggml_backend_cpu_reg.restype = ctypes.c_void_p
    assert symbols().ggml_backend_cpu_reg() == native.ggml_backend_cpu_reg()
    assert symbols() is symbols()


class Library:
    """A library with some functions missing or answering something else."""

    def __init__(self, native: Any, **altered: Any) -> None:
        self._native, self._altered = native, altered

    def __getattr__(self, name: str) -> Any:
        found = self._altered.get(name, getattr(self._native, name))
        if found is None:
            raise AttributeError(name)
        return found


@pytest.mark.parametrize("name", ["ggml_backend_register", "ggml_new_tensor_3d"])
def test_a_missing_function_is_named(native: Any, name: str) -> None:
    with pytest.raises(AbiError, match=rf"no function {name}\. Install llama-cpp-python == 0\.3\.36"):
        Symbols([Library(native, **{name: None})])  # type: ignore[list-item]


def test_a_function_may_be_in_another_of_the_libraries(native: Any) -> None:
    without = Library(native, ggml_new_tensor_3d=None)
    ggml = Symbols([without, native])  # type: ignore[list-item]
    assert ggml.ggml_new_tensor_3d is native.ggml_new_tensor_3d


def test_a_library_without_mul_mat_id_is_refused(native: Any) -> None:
    def op_name(number: int) -> bytes:
        return b"NONE"

    with pytest.raises(AbiError, match="no operation MUL_MAT_ID"):
        Symbols([Library(native, ggml_op_name=op_name)])  # type: ignore[list-item]


def test_names_of_operations_and_types(native: Any) -> None:
    ggml = symbols()
    assert ggml.ggml_op_name(ggml.mul_mat_id) == b"MUL_MAT_ID"
    assert ggml.type_name(GgmlType.Q4_K) == "q4_K"


def test_an_undeclared_function_is_no_attribute(native: Any) -> None:
    with pytest.raises(AttributeError):
        _ = symbols().ggml_graph_dump_dot
