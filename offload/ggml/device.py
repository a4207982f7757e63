"""The ggml device the pager is to llama.cpp: an ACCEL device whose backend computes graphs with paged weights.

llama.cpp makes a backend of every ACCEL device for every context, and puts it above the CPU's in its scheduler. For a
context on a paged model ours is a CPU backend of ggml's own, of which only `graph_compute` is replaced: it supports
what the CPU does, llama.cpp sets its threads as those of any CPU backend, and so whole graphs come to it. For any
other context it is a backend that supports nothing.

A registered device lives as long as the process: it is registered once and serves every open model. Each model has a
buffer type of its own, named in `tensor_buft_overrides`.

No exception may cross a C frame: callbacks store it on the weights they serve and return a failed status.
"""

import ctypes as C
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from offload.ggml import abi
from offload.ggml.abi import (
    Backend,
    BackendInterface,
    Buffer,
    BufferInterface,
    BufferType,
    BufferTypeInterface,
    Device,
    DeviceInterface,
    Registry,
    RegistryInterface,
    bind,
)
from offload.ggml.interleave import interleaved_buffer_type
from offload.ggml.paged_weights import ALIGNMENT, PagedWeights
from offload.ggml.symbols import symbols

NAME = C.create_string_buffer(b"ExpertPager")
GUID = (C.c_uint8 * 16)(*b"offload/expertpg")


class PagerDevice:
    """The one device. Obtain it from `pager_device()`. Models are opened and closed by one thread at a time."""

    def __init__(self) -> None:
        self._ggml = symbols()
        self._interleaved = interleaved_buffer_type()
        self._types: dict[int, tuple[BufferType, PagedWeights]] = {}
        self._idle_backends: dict[int, Backend] = {}  # of contexts without paged weights, until llama.cpp frees them
        self._serving: PagedWeights | None = None
        self._served: dict[int, PagedWeights] = {}  # by the address of their backend
        self._keep: list[Any] = []  # C holds pointers to these for as long as the process lives
        self._buffer_interface = self._make_buffer_interface()
        self._type_interface = self._make_type_interface()
        self._registry = Registry(abi.API_VERSION, self._make_registry_interface(), None)
        self._device = Device(self._make_device_interface(), C.addressof(self._registry), None)
        self._idle_interface = self._make_idle_interface()
        self._native_compute = self._native_graph_compute()
        self._graph_compute = self._bind(BackendInterface, "graph_compute", self._compute)
        self._ggml.ggml_backend_register(C.addressof(self._registry))

    def attach(self, weights: PagedWeights) -> int:
        """Make a buffer type for a model's weights; return its address, for the tensor overrides."""
        buffer_type = BufferType(self._type_interface, C.addressof(self._device), None)
        self._types[C.addressof(buffer_type)] = (buffer_type, weights)
        return C.addressof(buffer_type)

    def detach(self, buffer_type: int) -> None:
        """Forget a model's weights, once llama.cpp has freed the model."""
        _, weights = self._types.pop(buffer_type, (None, None))
        self._served = {backend: served for backend, served in self._served.items() if served is not weights}

    @contextmanager
    def serving(self, weights: PagedWeights) -> Iterator[None]:
        """Have contexts that are made meanwhile compute with these weights."""
        self._serving = weights
        try:
            yield
        finally:
            self._serving = None

    def _bind(self, struct: type[C.Structure], field: str, callback: Callable[..., Any]) -> Any:
        def guarded(*arguments: Any) -> Any:
            try:
                return callback(*arguments)
            except BaseException as error:  # such as Ctrl-C, which Python raises wherever it happens to be
                for _, weights in self._types.values():
                    weights.error = error
                return callback(*arguments)

        pointer = bind(struct, field, guarded)
        self._keep.append(pointer)
        return pointer

    def _native_graph_compute(self) -> Any:
        """Return the function with which the CPU's backends compute graphs."""
        address = self._ggml.ggml_backend_cpu_init()
        pointer = C.cast(Backend.from_address(address).iface.graph_compute, C.c_void_p).value
        self._ggml.ggml_backend_free(address)
        return abi.field_type(BackendInterface, "graph_compute")(pointer)

    def _make_buffer_interface(self) -> BufferInterface:
        def init_tensor(buffer: int, tensor: int) -> int:
            _, weights = self._types[Buffer.from_address(buffer).buft]
            try:
                weights.init_tensor(buffer, tensor)
            except BaseException as error:
                weights.error = error
                return abi.STATUS_FAILED
            return abi.STATUS_SUCCESS

        interface = BufferInterface()
        for field, callback in (
            ("free_buffer", lambda buffer: None),
            ("get_base", lambda buffer: Buffer.from_address(buffer).context),
            ("init_tensor", init_tensor),
            ("set_tensor", lambda *_: None),
            ("clear", lambda *_: None),
        ):
            setattr(interface, field, self._bind(BufferInterface, field, callback))
        return interface

    def _make_type_interface(self) -> BufferTypeInterface:
        def alloc_buffer(buffer_type: int, n_bytes: int) -> int | None:
            _, weights = self._types[buffer_type]
            try:
                address = weights.base if n_bytes else None
            except BaseException as error:
                weights.error = error
                return None
            made: int = self._ggml.ggml_backend_buffer_init(buffer_type, self._buffer_interface, address, n_bytes)
            return made

        interface = BufferTypeInterface()
        for field, callback in (
            ("get_name", lambda buffer_type: C.addressof(NAME)),
            ("alloc_buffer", alloc_buffer),
            ("get_alignment", lambda buffer_type: ALIGNMENT),
            ("get_alloc_size", lambda buffer_type, tensor: self._types[buffer_type][1].alloc_size(tensor)),
            ("is_host", lambda buffer_type: True),
        ):
            setattr(interface, field, self._bind(BufferTypeInterface, field, callback))
        return interface

    def _make_registry_interface(self) -> RegistryInterface:
        interface = RegistryInterface()
        for field, callback in (
            ("get_name", lambda registry: C.addressof(NAME)),
            ("get_device_count", lambda registry: 1),
            ("get_device", lambda registry, index: C.addressof(self._device)),
            ("get_proc_address", lambda registry, name: None),
        ):
            setattr(interface, field, self._bind(RegistryInterface, field, callback))
        return interface

    def _make_device_interface(self) -> DeviceInterface:
        def properties(device: int, out: Any) -> None:
            out[0].name = out[0].description = C.addressof(NAME)
            out[0].memory_free = out[0].memory_total = 0
            out[0].type, out[0].device_id = abi.DEVICE_TYPE_ACCEL, None
            out[0].caps[:] = [False] * 5

        def memory(device: int, free: Any, total: Any) -> None:
            free[0] = total[0] = 0

        interface = DeviceInterface()
        for field, callback in (
            ("get_name", lambda device: C.addressof(NAME)),
            ("get_description", lambda device: C.addressof(NAME)),
            ("get_memory", memory),
            ("get_type", lambda device: abi.DEVICE_TYPE_ACCEL),
            ("get_props", properties),
            ("init_backend", lambda device, params: self._new_backend()),
            ("get_buffer_type", lambda device: self._ggml.ggml_backend_cpu_buffer_type()),
            ("supports_op", lambda device, operation: False),
            ("supports_buft", self._supports_buffer_type),
        ):
            setattr(interface, field, self._bind(DeviceInterface, field, callback))
        return interface

    def _make_idle_interface(self) -> BackendInterface:
        interface = BackendInterface()
        for field, callback in (
            ("get_name", lambda backend: C.addressof(NAME)),
            ("free", self._free_idle),
            ("graph_compute", lambda backend, graph: abi.STATUS_FAILED),
        ):
            setattr(interface, field, self._bind(BackendInterface, field, callback))
        return interface

    def _new_backend(self) -> int:
        if self._serving is not None:
            address: int = self._ggml.ggml_backend_cpu_init()
            Backend.from_address(address).iface.graph_compute = self._graph_compute
            self._served[address] = self._serving
            return address
        backend = Backend(C.addressof(GUID), self._idle_interface, C.addressof(self._device), None)
        self._idle_backends[C.addressof(backend)] = backend
        return C.addressof(backend)

    def _free_idle(self, backend: int) -> None:
        self._idle_backends.pop(backend, None)

    def _supports_buffer_type(self, device: int, buffer_type: int) -> bool:
        if buffer_type == self._interleaved or buffer_type in self._types:
            return True
        return bool(self._ggml.ggml_backend_buft_is_host(buffer_type))

    def _compute(self, backend: int, graph: int) -> int:
        return self._served[backend].compute(graph, functools.partial(self._native_compute, backend))


@functools.cache
def pager_device() -> PagerDevice:
    """Return the device, registering it with llama.cpp on first use: before the first model is opened."""
    return PagerDevice()
