"""The hook on a device: only the backends of our own contexts compute through it, and the device stays as it was."""

import ctypes
import gc
import signal
import sys
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from fakes.devices import stand_in
from fakes.paged_runs import gguf_model, paged_context, plain_context, prompt_and_answer
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import DeviceError
from offload.ggml import abi
from offload.ggml.abi import Backend, BackendInterface, Device, DeviceInterface, bind
from offload.ggml.device_hook import DeviceHook, device_hook
from offload.ggml.paged_weights import ComputeNative, PagedWeights
from offload.llama.context import LlamaContext
from offload.llama.library import load

GRAPH = 0x1000
NAME = ctypes.create_string_buffer(b"GPU7")


class FakeDevice:
    """A ggml device whose backends lie where the test says and note what they computed."""

    def __init__(self, n_backends: int = 3) -> None:
        self.backends = [Backend() for _ in range(n_backends)]
        self.next: Sequence[int] = range(n_backends)
        self.computed: list[tuple[int, int]] = []
        self.n_synchronized = 0
        self.status = abi.STATUS_SUCCESS
        self._keep: list[Any] = [
            bind(DeviceInterface, "init_backend", self._init_backend),
            bind(DeviceInterface, "get_name", lambda device: ctypes.addressof(NAME)),
            bind(BackendInterface, "graph_compute", self._compute),
            ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._synchronize),
        ]
        self.device = Device()
        self.device.iface.init_backend, self.device.iface.get_name = self._keep[:2]
        self.hook = DeviceHook(ctypes.addressof(self.device))

    def make_backend(self) -> int | None:
        """Do as llama.cpp does for a context; each backend lies at the next address."""
        made: int | None = self.device.iface.init_backend(ctypes.addressof(self.device), None)
        return made

    def compute(self, backend: int | None) -> int:
        """Do as llama.cpp does with a graph; return its status."""
        assert backend is not None
        status: int = Backend.from_address(backend).iface.graph_compute(backend, GRAPH)
        return status

    def number(self, backend: int | None) -> int:
        return [ctypes.addressof(one) for one in self.backends].index(cast(int, backend))

    def _init_backend(self, device: int, params: int) -> int | None:
        if not self.next:
            return None
        first, *self.next = self.next
        backend = self.backends[first]
        backend.iface.graph_compute = self._keep[2]
        backend.iface.synchronize = ctypes.cast(self._keep[3], ctypes.c_void_p)
        return ctypes.addressof(backend)

    def _compute(self, backend: int, graph: int) -> int:
        self.computed.append((self.number(backend), graph))
        return self.status

    def _synchronize(self, backend: int) -> None:
        self.n_synchronized += 1


class FakeWeights:
    """Notes the graphs that come to it and has them computed, or does what the test says."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.error: BaseException | None = None
        self.graphs: list[int] = []
        self._then = then

    def compute(self, graph: int, compute_native: ComputeNative) -> int:
        self.graphs.append(graph)
        self._then()
        return compute_native(graph)


def weights_that(then: Callable[[], object] = lambda: None) -> Any:
    return FakeWeights(then)


@pytest.fixture
def device() -> FakeDevice:
    load()
    return FakeDevice()


def function_of(device: FakeDevice) -> int | None:
    return ctypes.cast(device.device.iface.init_backend, ctypes.c_void_p).value


def test_a_context_made_meanwhile_computes_through_the_weights(device: FakeDevice) -> None:
    weights = weights_that()
    with device.hook.serving(weights):
        backend = device.make_backend()
    assert device.compute(backend) == abi.STATUS_SUCCESS
    assert weights.graphs == [GRAPH]
    assert device.computed == [(0, GRAPH)]
    assert device.n_synchronized == 1


def test_contexts_made_before_and_after_are_the_device_s_own(device: FakeDevice) -> None:
    weights = weights_that()
    before = device.make_backend()
    with device.hook.serving(weights):
        device.make_backend()
    after = device.make_backend()
    for backend in (before, after):
        assert device.compute(backend) == abi.STATUS_SUCCESS
    assert weights.graphs == []
    assert device.computed == [(0, GRAPH), (2, GRAPH)]


def test_the_device_makes_backends_as_before_afterwards(device: FakeDevice) -> None:
    before = function_of(device)
    with device.hook.serving(weights_that()):
        assert function_of(device) != before
    assert function_of(device) == before

    def fail() -> None:
        with device.hook.serving(weights_that()):
            raise RuntimeError("no context")

    with pytest.raises(RuntimeError, match="no context"):
        fail()
    assert function_of(device) == before


def test_a_device_that_makes_no_backend_is_served_nothing(device: FakeDevice) -> None:
    device.next = ()
    with device.hook.serving(weights_that()):
        assert device.make_backend() is None


def test_each_model_s_contexts_compute_with_its_own_weights(device: FakeDevice) -> None:
    one, other = weights_that(), weights_that()
    with device.hook.serving(one):
        first = device.make_backend()
    with device.hook.serving(other):
        second = device.make_backend()
    device.hook.forget(one)
    assert device.compute(second) == abi.STATUS_SUCCESS
    assert (one.graphs, other.graphs) == ([], [GRAPH])
    assert device.compute(first) == abi.STATUS_FAILED


def test_an_address_may_be_another_context_s_later(device: FakeDevice) -> None:
    """llama.cpp frees a backend without a word to us; the next may lie where it lay."""
    device.next = (0, 0, 0)
    one, other = weights_that(), weights_that()
    for weights in (one, other):
        with device.hook.serving(weights):
            device.compute(device.make_backend())
    device.hook.forget(one)
    device.compute(ctypes.addressof(device.backends[0]))
    assert (one.graphs, other.graphs) == ([GRAPH], [GRAPH, GRAPH])
    assert device.compute(device.make_backend()) == abi.STATUS_SUCCESS  # of a context that is none of ours
    assert len(other.graphs) == 2
    assert device.computed == [(0, GRAPH)] * 4


def test_a_graph_that_the_device_does_not_compute_is_an_error_that_names_it(device: FakeDevice) -> None:
    device.status = abi.STATUS_FAILED
    weights = weights_that()
    with device.hook.serving(weights):
        backend = device.make_backend()
    assert device.compute(backend) == abi.STATUS_FAILED
    assert isinstance(weights.error, DeviceError)
    assert weights.error.device == "GPU7"
    assert "GPU7 failed to compute, or was lost (status -1)" in str(weights.error)
    assert device.n_synchronized == 0


def test_a_graph_that_was_stopped_is_no_error_of_the_device(device: FakeDevice) -> None:
    device.status = abi.STATUS_ABORTED
    weights = weights_that()
    with device.hook.serving(weights):
        backend = device.make_backend()
    assert device.compute(backend) == abi.STATUS_ABORTED
    assert weights.error is None


@pytest.mark.parametrize("error", [ValueError("wrong"), MemoryError()])
def test_no_exception_crosses_a_c_frame(
    device: FakeDevice, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)

    def fail() -> None:
        raise error

    weights = weights_that(fail)
    with device.hook.serving(weights):
        backend = device.make_backend()
    assert device.compute(backend) == abi.STATUS_FAILED
    assert weights.error is error
    assert unraisable == []


def test_ctrl_c_is_kept_for_the_decode_to_raise(device: FakeDevice) -> None:
    weights = weights_that(lambda: signal.raise_signal(signal.SIGINT))
    with device.hook.serving(weights):
        backend = device.make_backend()
    assert device.compute(backend) == abi.STATUS_FAILED
    assert isinstance(weights.error, KeyboardInterrupt)
    assert device.computed == []


# -- the processor in the place of a device


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE)


def cpu_hook() -> DeviceHook:
    return device_hook(stand_in({}).address)


def served() -> list[PagedWeights]:
    return [weights for weights, _ in cpu_hook()._served.values()]


def test_a_device_has_one_hook() -> None:
    assert cpu_hook() is cpu_hook()


def test_nothing_of_a_closed_model_stays(path: Path) -> None:
    stored = gguf_model(path)
    seen: list[weakref.ref[Any]] = []
    for _ in range(2):
        share = stand_in(stored.capacity(3), host_bytes=1 << 20, on_cpu=0.5)
        with paged_context(stored, 3, device=share) as (paged, context):
            prompt_and_answer(context)
            assert served() == [paged.weights]
            seen += [weakref.ref(paged), weakref.ref(paged.weights), weakref.ref(paged.pager), weakref.ref(paged.tier)]
        del paged, context
    gc.collect()
    assert [one() for one in seen] == [None] * len(seen)
    assert served() == []


def test_of_two_models_on_a_device_one_goes_on_when_the_other_is_closed(path: Path) -> None:
    stored = gguf_model(path)
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    one = paged_context(stored, 3, device=stand_in(stored.capacity(3)))
    other = paged_context(stored, 5, device=stand_in(stored.capacity(5), host_bytes=1 << 20, on_cpu=0.5))
    _, first = one.__enter__()
    _, second = other.__enter__()
    found = [prompt_and_answer(first)]
    one.__exit__(None, None, None)
    found.append(prompt_and_answer(second))
    other.__exit__(None, None, None)
    assert all(np.array_equal(one, expected) for one in found)


def test_contexts_come_and_go_on_one_model(path: Path) -> None:
    """Backends are freed and made again, mostly where another one lay; a plain model's among them."""
    stored = gguf_model(path)
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 3, device=stand_in(stored.capacity(3))) as (paged, context):
        found = [prompt_and_answer(context)]
        for _ in range(3):
            with LlamaContext.open(paged.model, n_ctx=256, n_batch=40, n_ubatch=16, n_threads=1) as another:
                found.append(prompt_and_answer(another))
            with plain_context(stored) as plain:
                found.append(prompt_and_answer(plain))
        n_misses = paged.pager.counts().misses
        context.clear()
        found.append(prompt_and_answer(context))
        assert paged.pager.counts().misses > n_misses
    assert all(np.array_equal(one, expected) for one in found)


def test_a_plain_model_is_not_touched_by_the_hook(path: Path) -> None:
    stored = gguf_model(path)
    with paged_context(stored, 3, device=stand_in(stored.capacity(3))) as (paged, _), plain_context(stored) as context:
        prompt_and_answer(context)
        assert paged.pager.counts().bytes_read == 0
        assert paged.pager.counts().misses == 0
