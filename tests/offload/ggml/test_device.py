"""The pager's device: registered once, seen by ggml as an accelerator, and nothing of a closed model stays with it."""

import ctypes
import gc
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.paged_runs import gguf_model, paged_context, plain_context, prefill, prompt_and_answer
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import ModelFileError
from offload.ggml import abi
from offload.ggml.abi import BufferType, Device, DeviceProperties, Tensor
from offload.ggml.device import NAME, pager_device
from offload.ggml.paged_weights import PagedWeights
from offload.ggml.symbols import symbols
from offload.llama.library import load
from offload.paged_model import PagedModel


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    load()
    pager_device()


def device_address() -> int:
    address: int = symbols().ggml_backend_dev_by_name(NAME.value)
    return address


def no_weights() -> PagedWeights:
    return PagedWeights([])


def test_it_is_registered_once() -> None:
    before = symbols().ggml_backend_dev_count()
    assert pager_device() is pager_device()
    assert symbols().ggml_backend_dev_count() == before
    assert device_address()


def test_ggml_sees_an_accelerator_without_memory_of_its_own() -> None:
    address = device_address()
    device = Device.from_address(address)
    properties = DeviceProperties(memory_free=1, memory_total=1)
    device.iface.get_props(address, ctypes.byref(properties))
    free, total = ctypes.c_size_t(1), ctypes.c_size_t(1)
    device.iface.get_memory(address, ctypes.byref(free), ctypes.byref(total))
    assert device.iface.get_type(address) == properties.type == abi.DEVICE_TYPE_ACCEL
    assert (free.value, total.value, properties.memory_free, properties.memory_total) == (0, 0, 0, 0)
    assert ctypes.string_at(properties.name) == ctypes.string_at(device.iface.get_description(address)) == NAME.value
    assert not any(properties.caps)
    assert device.iface.get_buffer_type(address) == symbols().ggml_backend_cpu_buffer_type()


def test_it_claims_no_operation_on_weights_that_are_not_its_own() -> None:
    address = device_address()
    device = Device.from_address(address)
    weights, node = Tensor(), Tensor(op=symbols().mul_mat_id)
    node.src[0] = ctypes.addressof(weights)
    assert not device.iface.supports_op(address, ctypes.addressof(node))
    assert not device.iface.supports_op(address, ctypes.addressof(weights))


def test_each_model_has_a_buffer_type_of_its_own() -> None:
    weights = [no_weights(), no_weights()]
    addresses = [pager_device().attach(one) for one in weights]
    device = Device.from_address(device_address())
    assert len(set(addresses)) == 2
    for address in addresses:
        seen = BufferType.from_address(address)
        assert symbols().ggml_backend_buft_name(address) == NAME.value
        assert symbols().ggml_backend_buft_is_host(address)
        assert seen.device == device_address()
        assert device.iface.supports_buft(device_address(), address)
    for address, one in zip(addresses, weights, strict=True):
        pager_device().detach(address)
        one.close()


def test_detaching_twice_is_harmless() -> None:
    weights = no_weights()
    address = pager_device().attach(weights)
    pager_device().detach(address)
    pager_device().detach(address)
    weights.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)


def test_nothing_of_a_closed_model_stays(path: Path) -> None:
    seen: list[weakref.ref[Any]] = []
    idle = len(pager_device()._idle_backends)
    for _ in range(2):
        with paged_context(gguf_model(path), 3) as (paged, context):
            prefill(context)
            seen += [weakref.ref(paged), weakref.ref(paged.weights), weakref.ref(paged.pager)]
        del paged, context
    gc.collect()
    assert [one() for one in seen] == [None] * len(seen)
    assert len(pager_device()._idle_backends) == idle
    assert pager_device()._served == {}
    assert pager_device()._types == {}


def test_nothing_stays_of_a_model_that_could_not_be_opened(tmp_path: Path, path: Path) -> None:
    """The header is whole and promises weights that the file no longer has when llama.cpp loads it."""
    stored = gguf_model(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(ModelFileError), paged_context(stored, 3):
        pass
    assert pager_device()._types == {}


def test_models_open_and_close_in_any_order(path: Path) -> None:
    stored = gguf_model(path)
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    one = paged_context(stored, 2)
    other = paged_context(stored, 5)
    _, first = one.__enter__()
    _, second = other.__enter__()
    found = [prompt_and_answer(first)]
    one.__exit__(None, None, None)
    found.append(prompt_and_answer(second))
    other.__exit__(None, None, None)
    assert all(np.array_equal(one, expected) for one in found)


def test_a_plain_model_is_not_touched_by_the_device(path: Path) -> None:
    stored = gguf_model(path)
    with plain_context(stored) as context:
        before = prompt_and_answer(context)
    with paged_context(stored, 2), plain_context(stored) as context:
        assert np.array_equal(prompt_and_answer(context), before)


def test_no_exception_crosses_a_c_frame(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a callback raises ctypes can only print; here a callback fails at its first node."""
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with paged_context(gguf_model(path), 3) as (paged, context):
        paged.weights.provider = None
        with pytest.raises(AssertionError):
            prefill(context)
    assert unraisable == []


def test_loading_may_be_stopped(path: Path) -> None:
    stored = gguf_model(path)
    asked: list[float] = []

    def stop(share: float) -> bool:
        asked.append(share)
        return False

    from offload.errors import CancelledError

    with pytest.raises(CancelledError):
        PagedModel(
            stored.header,
            stored.store,
            capacity=stored.capacity(3),
            staged_capacity=None,
            n_readers=1,
            direct_io=True,
            on_progress=stop,
        )
    assert asked
    assert pager_device()._types == {}
