"""The CPU's interleaved weight layout (llama.cpp's CPU_REPACK buffer type): which tensors have it, and making it.

The layout has the same size per expert and is contiguous per expert, so slots can hold it. Which types have a kernel,
and with which interleaving, depends on the CPU: ggml decides when a tensor is initialised in that buffer type.
Source: ggml/src/ggml-cpu/repack.cpp.
"""

import ctypes as C
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.ggml.abi import PTR, RELEASE, BufferInterface, Tensor
from offload.ggml.symbols import CPU_FEATURES, symbols


@functools.cache
def interleaved_buffer_type() -> int | None:
    """Return the address of the CPU_REPACK buffer type, or None where this build of ggml has none."""
    ggml = symbols()
    registry = ggml.ggml_backend_cpu_reg()
    address = ggml.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_dev_get_extra_bufts")
    if not address:
        return None
    # ggml_backend_buffer_type_t * ggml_backend_dev_get_extra_bufts(ggml_backend_dev_t device), null-terminated
    extra = C.CFUNCTYPE(C.POINTER(PTR), PTR)(address)(ggml.ggml_backend_reg_dev_get(registry, 0))
    position = 0
    while extra and extra[position]:
        if ggml.ggml_backend_buft_name(extra[position]) == b"CPU_REPACK":
            return int(extra[position])
        position += 1
    return None


class Interleaver:
    """Turns expert matrices into the CPU's interleaved layout. Thread safe; the native call releases the GIL."""

    def __init__(self) -> None:
        buffer_type = interleaved_buffer_type()
        self._scratch: int | None = None
        self._iface: Any = None
        if buffer_type is not None:
            self._scratch = symbols().ggml_backend_buft_alloc_buffer(buffer_type, 64)
            self._iface = BufferInterface.from_address(self._scratch or 0)

    @property
    def layout_name(self) -> str:
        """Name the layout this CPU's kernels want, for the header of a packed store: equal names, equal bytes."""
        if self._scratch is None:
            return "plain"
        ggml = symbols()
        return f"CPU_REPACK/{RELEASE}/" + "+".join(f for f in CPU_FEATURES if getattr(ggml, f"ggml_cpu_has_{f}")())

    @property
    def buffer(self) -> int | None:
        """The buffer that marks a tensor as interleaved; None where this build of ggml has none."""
        return self._scratch

    def initialise(self, tensor_address: int) -> bool:
        """Let ggml choose the kernel of a tensor (sets its `extra`); return whether there is one."""
        if self._scratch is None:
            return False
        self._iface.init_tensor(self._scratch, tensor_address)
        return bool(Tensor.from_address(tensor_address).extra)

    def supports(self, ggml_type: int, ne0: int, ne1: int) -> bool:
        """Say whether this CPU has an interleaved kernel for matrices of this type and shape."""
        matrix = self._matrix(ggml_type, ne0, ne1, None)
        return self.initialise(C.addressof(matrix))

    def interleave(self, ggml_type: int, ne0: int, ne1: int, source: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Write one expert's matrix into `out` in the interleaved layout.

        `source` and `out` are contiguous uint8 arrays of the matrix's size in bytes and must not overlap.

        Raises:
            ValueError: there is no interleaved kernel for it, or a size is wrong.
        """
        matrix = self._matrix(ggml_type, ne0, ne1, out.ctypes.data)
        n_bytes = matrix.nb[2]
        if source.nbytes != n_bytes or out.nbytes != n_bytes:
            raise ValueError(f"a {ne0} x {ne1} matrix has {n_bytes} bytes, not {source.nbytes} and {out.nbytes}")
        if not self.initialise(C.addressof(matrix)):
            raise ValueError(f"no interleaved layout for {symbols().type_name(ggml_type)} of {ne0} x {ne1}")
        self._iface.set_tensor(self._scratch, C.addressof(matrix), source.ctypes.data, 0, n_bytes)

    def _matrix(self, ggml_type: int, ne0: int, ne1: int, data: int | None) -> Tensor:
        ggml = symbols()
        row = ggml.ggml_row_size(ggml_type, ne0)
        matrix = Tensor(type=ggml_type, buffer=self._scratch, data=data)
        matrix.ne[:] = [ne0, ne1, 1, 1]
        matrix.nb[:] = [ggml.ggml_type_size(ggml_type), row, row * ne1, row * ne1]
        return matrix

    def close(self) -> None:
        """Free ggml's scratch buffer; harmless when called twice."""
        if self._scratch is not None:
            symbols().ggml_backend_buffer_free(self._scratch)
            self._scratch = None
