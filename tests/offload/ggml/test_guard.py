"""The guard: passes the library it was written for, and names every difference it finds."""

import ctypes
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from offload.errors import AbiError
from offload.ggml import abi, guard
from offload.ggml.abi import RELEASE, Device, Tensor
from offload.ggml.guard import check_abi
from offload.ggml.symbols import symbols
from offload.llama.library import load


@pytest.fixture(autouse=True)
def _loaded() -> None:
    load()


class AlteredSymbols:
    """ggml's functions, one of them answering something else."""

    def __init__(self, name: str, answer: object) -> None:
        self._altered = {name: lambda *arguments: answer}

    def __getattr__(self, name: str) -> Any:
        return self._altered.get(name) or getattr(symbols(), name)


def test_the_pinned_release_passes_and_says_what_was_checked() -> None:
    checked = check_abi()
    assert checked[0] == f"llama-cpp-python release: {RELEASE}"
    assert checked[1] == f"backend interface version: {abi.API_VERSION}"
    assert len(checked) == 18


def test_another_release_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "version", lambda package: "0.3.35")
    with pytest.raises(AbiError, match=r"release: expected '0\.3\.36', found '0\.3\.35'\. Install .* == 0\.3\.36"):
        check_abi()


def test_a_missing_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(guard, "version", version)
    with pytest.raises(AbiError, match="found 'not installed'"):
        check_abi()


def test_another_interface_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "API_VERSION", abi.API_VERSION + 1)
    with pytest.raises(AbiError, match="backend interface version: expected 3, found 2"):
        check_abi()


@pytest.mark.parametrize(
    ("function", "answer", "what"),
    [
        ("ggml_backend_buft_name", b"something else", "CPU buffer type name"),
        ("ggml_nbytes", 5761, "tensor bytes"),
    ],
)
def test_a_function_that_answers_differently_is_refused(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: object, what: str
) -> None:
    monkeypatch.setattr(guard, "symbols", lambda: AlteredSymbols(function, answer))
    with pytest.raises(AbiError, match=what):
        check_abi()


def shifted(struct: type[ctypes.Structure], before: str) -> type[ctypes.Structure]:
    """Return `struct` as it would be were there one pointer more before the field `before`."""
    fields: list[Any] = []
    for field in struct._fields_:
        fields += [("new_field", ctypes.c_void_p)] if field[0] == before else []
        fields.append(field)
    return type("Shifted", (ctypes.Structure,), {"_fields_": tuple(fields)})


@pytest.mark.parametrize("field", ["type", "ne", "nb", "op", "op_params", "src", "name"])
def test_a_tensor_with_a_field_more_is_refused(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    monkeypatch.setattr(guard, "Tensor", shifted(Tensor, field))
    with pytest.raises(AbiError, match="tensor"):
        check_abi()


def test_a_device_with_a_field_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "Device", shifted(Device, "reg"))
    with pytest.raises(AbiError, match="CPU device registry"):
        check_abi()
