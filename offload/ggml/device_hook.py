"""`DeviceHook`: has the graphs of contexts on a device come to us, whichever backend the device is of.

llama.cpp asks each device of a model for a backend, for every context it makes. While a context on paged weights is
made, the device's `init_backend` is ours: of the backend it makes only `graph_compute` is replaced, and so whole graphs
come to the walk, which has the backend compute them piece by piece.

No exception may cross a C frame: callbacks store it on the weights they serve and return a failed status.
"""

import ctypes as C
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from offload.errors import DeviceError
from offload.ggml import abi
from offload.ggml.abi import Backend, BackendInterface, Device, DeviceInterface, bind
from offload.ggml.paged_weights import PagedWeights
from offload.ggml.symbols import symbols


class DeviceHook:
    """One device. Obtain it from `device_hook()`. Models are opened and closed by one thread at a time."""

    def __init__(self, device: int) -> None:
        self._ggml = symbols()
        self._device, self._address = Device.from_address(device), device
        self._serving: PagedWeights | None = None
        self._served: dict[int, tuple[PagedWeights, Callable[[int, int], int]]] = {}
        """By the address of their backend: whose it is, and how it computes by itself."""
        self._init_backend = abi.field_type(DeviceInterface, "init_backend")(_address(self._device.iface.init_backend))
        self._hooked: Any = bind(DeviceInterface, "init_backend", self._init_served)
        self._graph_compute: Any = bind(BackendInterface, "graph_compute", self._compute)

    @contextmanager
    def serving(self, weights: PagedWeights) -> Iterator[None]:
        """Have contexts that are made meanwhile compute with these weights."""
        self._serving = weights
        self._device.iface.init_backend = self._hooked
        try:
            yield
        finally:
            self._device.iface.init_backend = self._init_backend
            self._serving = None

    def forget(self, weights: PagedWeights) -> None:
        """Forget a model's weights, once llama.cpp has freed its contexts."""
        self._served = {backend: served for backend, served in self._served.items() if served[0] is not weights}

    def _init_served(self, device: int, params: int) -> int | None:
        address: int | None = self._init_backend(device, params)
        if address and self._serving is not None:
            backend = Backend.from_address(address)
            native = abi.field_type(BackendInterface, "graph_compute")(_address(backend.iface.graph_compute))
            self._served[address] = self._serving, native
            backend.iface.graph_compute = self._graph_compute
        return address

    def _compute(self, backend: int, graph: int) -> int:
        try:
            weights, native = self._served[backend]
            return weights.compute(graph, functools.partial(self._compute_piece, native, backend))
        except BaseException as error:  # such as Ctrl-C, which Python raises wherever it happens to be
            if backend in self._served:
                self._served[backend][0].error = error
            return abi.STATUS_FAILED

    def _compute_piece(self, native: Callable[[int, int], int], backend: int, graph: int) -> int:
        """Compute a piece of a graph, and wait for it: what follows depends on where it routes to.

        Raises:
            DeviceError: the device did not compute it.
        """
        status = native(backend, graph)
        if status == abi.STATUS_SUCCESS:
            self._ggml.ggml_backend_synchronize(backend)
        elif status != abi.STATUS_ABORTED:
            name = self._ggml.ggml_backend_dev_name(self._address).decode("utf-8", "replace")
            raise DeviceError(
                f"The device {name} failed to compute, or was lost (status {status}).",
                device=name,
                hint="Try again; if it stays so, load the model anew, or compute on the CPU with --device cpu.",
            )
        return status


@functools.cache
def device_hook(device: int) -> DeviceHook:
    """Return the hook of the ggml device at an address."""
    return DeviceHook(device)


def _address(function: Any) -> int | None:
    """Return where a function is: a field of a struct gives a view that changes with the field."""
    return C.cast(function, C.c_void_p).value
