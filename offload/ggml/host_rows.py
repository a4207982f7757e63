"""`HostRows`: rows of a device's expert products, computed by the CPU where the experts lie in RAM.

A device computes a layer for all routed experts; where some are not on it, what it computes for them means nothing, and
their rows are written over with what the CPU computes from the same inputs. The CPU's kernel is the one that llama.cpp
takes for experts, so with the processor standing in for a device the numbers are the same bit for bit.
"""

import ctypes as C
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from offload.errors import DecodeError
from offload.ggml import abi
from offload.ggml.abi import Backend, BackendInterface, InitParams, Tensor
from offload.ggml.symbols import symbols

_F32, _I32 = 0, 26
_OVERHEAD_BYTES = 1024
"""Of a node or tensor in ggml's context and graph, more than they take."""


class HostRow(NamedTuple):
    """One row of a product: an expert for one token."""

    token: int
    """Of the graph."""
    position: int
    """Among the experts the token is routed to."""
    weights: int
    """Address of the expert's matrix in this process's memory."""


class _Products(NamedTuple):
    """A graph of so many products of one shape, and the memory around it."""

    context: int
    graph: int
    weights: Sequence[Tensor]
    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]


class HostRows:
    """Computes rows with `n_threads`, as many as llama.cpp's own. For the thread that computes."""

    def __init__(self, n_threads: int) -> None:
        self._ggml = ggml = symbols()
        self._ids = np.zeros(1, np.int32)
        self._kept: dict[tuple[int, int, int, int], _Products] = {}
        self._backend: int | None = ggml.ggml_backend_cpu_init()
        ggml.ggml_backend_cpu_set_n_threads(self._backend, n_threads)
        address = C.cast(Backend.from_address(self._backend or 0).iface.graph_compute, C.c_void_p).value
        self._compute: Any = abi.field_type(BackendInterface, "graph_compute")(address)
        self.n_rows = 0
        """Computed so far, one for each matrix of each expert."""

    def write(self, node: Tensor, rows: Sequence[HostRow]) -> None:
        """Compute these rows of a MUL_MAT_ID node of a device, and write them over what it has there.

        Raises:
            DecodeError: ggml failed.
        """
        ggml, inputs = self._ggml, Tensor.from_address(node.src[1])
        matrix = Tensor.from_address(node.src[0])
        products = self._products(matrix.type, inputs.ne[0], node.ne[0], len(rows))
        for index, row in enumerate(rows):
            products.weights[index].data = row.weights
            start = row.token * inputs.nb[2] + row.position % inputs.ne[1] * inputs.nb[1]
            target = products.inputs[index]
            ggml.ggml_backend_tensor_get(node.src[1], target.ctypes.data, start, target.nbytes)
        status = int(self._compute(self._backend, products.graph))
        if status != abi.STATUS_SUCCESS:
            raise DecodeError(f"The CPU could not compute {len(rows)} rows of {node.name.decode()}.", status=status)
        for index, row in enumerate(rows):
            found, start = products.outputs[index], row.token * node.nb[2] + row.position * node.nb[1]
            ggml.ggml_backend_tensor_set(C.addressof(node), found.ctypes.data, start, found.nbytes)
        self.n_rows += len(rows)

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        for products in self._kept.values():
            self._ggml.ggml_free(products.context)
        self._kept.clear()
        if self._backend is not None:
            self._ggml.ggml_backend_free(self._backend)
            self._backend = None

    def _products(self, ggml_type: int, n_columns: int, n_rows: int, n_products: int) -> _Products:
        key = ggml_type, n_columns, n_rows, n_products
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._build(*key)
        return kept

    def _build(self, ggml_type: int, n_columns: int, n_rows: int, n_products: int) -> _Products:
        ggml = self._ggml
        context: int = ggml.ggml_init(InitParams((4 * n_products + 16) * _OVERHEAD_BYTES + (1 << 16), None, True))
        graph: int = ggml.ggml_new_graph_custom(context, 2 * n_products + 8, False)
        inputs = np.empty((n_products, n_columns), np.float32)
        outputs = np.empty((n_products, n_rows), np.float32)
        weights = []
        for index in range(n_products):
            matrix = ggml.ggml_new_tensor_3d(context, ggml_type, n_columns, n_rows, 1)
            vector = ggml.ggml_new_tensor_3d(context, _F32, n_columns, 1, 1)
            ids = ggml.ggml_new_tensor_3d(context, _I32, 1, 1, 1)
            product = ggml.ggml_mul_mat_id(context, matrix, vector, ids)
            Tensor.from_address(vector).data = inputs[index].ctypes.data
            Tensor.from_address(ids).data = self._ids.ctypes.data
            Tensor.from_address(product).data = outputs[index].ctypes.data
            ggml.ggml_build_forward_expand(graph, product)
            weights.append(Tensor.from_address(matrix))
        return _Products(context, graph, weights, inputs, outputs)
