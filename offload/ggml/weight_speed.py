"""`WeightPasses`: matrices of one kind in memory, and the time the CPU takes to multiply a vector with all of them.

What decoding does, and nothing else: a graph of matrix-vector products, each over other weights, computed by the CPU
backend with its threads. The values do not matter and are all the same.
"""

import ctypes as C
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np

from offload.errors import DecodeError
from offload.ggml import abi
from offload.ggml.abi import Backend, BackendInterface, InitParams, Tensor
from offload.ggml.interleave import Interleaver
from offload.ggml.symbols import symbols

_FILLING = 0x22
"""Of the weights: no matter of which type, every scale is then a small normal number."""
_F32 = 0
_OVERHEAD_BYTES = 1024
"""Of a node or tensor in ggml's context and graph, more than they take."""


class WeightPasses:
    """Matrices of `n_columns` x `n_rows`, at least one, about `n_bytes` in all. For one thread; a context manager."""

    def __init__(
        self, ggml_type: int, n_columns: int, n_rows: int, *, n_bytes: int, interleaved: bool, n_threads: int
    ) -> None:
        """Lay the weights out; interleaved where this CPU has kernels for that.

        `ggml_type` must be one that weights have: ggml ends the process over others.
        """
        ggml = self._ggml = symbols()
        each = ggml.ggml_row_size(ggml_type, n_columns) * n_rows
        self._n_matrices = max(1, n_bytes // each)
        self.n_bytes = self._n_matrices * each
        self.n_steps = self._n_matrices
        """Operations of a pass."""
        self._weights = np.full(self.n_bytes, _FILLING, np.uint8)
        self._vector = np.ones(n_columns, np.float32)
        self.results = np.empty((self._n_matrices, n_rows), np.float32)
        """What a pass computes [n_matrices, n_rows]."""
        self._interleaver = Interleaver()
        size = (2 * self._n_matrices + 16) * _OVERHEAD_BYTES + (1 << 16)
        self._context: int | None = ggml.ggml_init(InitParams(size, None, True))
        self._graph = self._build(ggml_type, n_columns, n_rows, each, interleaved=interleaved)
        self._backend: int | None = ggml.ggml_backend_cpu_init()
        ggml.ggml_backend_cpu_set_n_threads(self._backend, n_threads)
        address = C.cast(Backend.from_address(self._backend or 0).iface.graph_compute, C.c_void_p).value
        self._compute: Any = abi.field_type(BackendInterface, "graph_compute")(address)

    def seconds(self, clock: Callable[[], float] = time.perf_counter) -> float:
        """Multiply with every matrix once; return how long that took.

        Raises:
            DecodeError: ggml failed.
        """
        start = clock()
        status = int(self._compute(self._backend, self._graph))
        if status != abi.STATUS_SUCCESS:
            raise DecodeError("ggml could not multiply a matrix with a vector.", status=status)
        return clock() - start

    def close(self) -> None:
        """Free everything; harmless when called twice."""
        if self._context is not None:
            self._ggml.ggml_backend_free(self._backend)
            self._ggml.ggml_free(self._context)
            self._context = self._backend = None
            self._interleaver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _build(self, ggml_type: int, n_columns: int, n_rows: int, each: int, *, interleaved: bool) -> int:
        ggml, context = self._ggml, self._context
        vector = ggml.ggml_new_tensor_3d(context, _F32, n_columns, 1, 1)
        Tensor.from_address(vector).data = self._vector.ctypes.data
        graph: int = ggml.ggml_new_graph_custom(context, 2 * self._n_matrices + 8, False)
        has_kernel = interleaved and self._interleaver.supports(ggml_type, n_columns, n_rows)
        for index in range(self._n_matrices):
            address = ggml.ggml_new_tensor_3d(context, ggml_type, n_columns, n_rows, 1)
            matrix = Tensor.from_address(address)
            matrix.data = self._weights.ctypes.data + index * each
            if has_kernel:
                matrix.buffer = self._interleaver.buffer
                self._interleaver.initialise(address)
            product = ggml.ggml_mul_mat(context, address, vector)
            Tensor.from_address(product).data = self.results[index].ctypes.data
            ggml.ggml_build_forward_expand(graph, product)
        return graph
