"""The expert weights of one model: tensors over slots instead of over the whole file, and graphs computed with them.

llama.cpp loads these tensors as empty (`ne[2] = 0`, so nothing is read), and computes MUL_MAT_ID on them through the
pager's device. For each such graph the provider brings the routed experts into memory and says where they are:

    in slots    the node's ids (`src[2]`) are replaced by slot numbers
    staged      the node's weights (`src[0]`) are replaced by a tensor over the staging buffer, ids stay as they are

and a CPU backend of our own computes it. Afterwards both are put back: llama.cpp reuses the graph for the next token.

Thread rule: opened, computed with and closed by the thread that calls llama.cpp.
"""

import ctypes as C
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from offload.errors import AbiError, OffloadError
from offload.ggml import abi
from offload.ggml.abi import Buffer, Tensor
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.ggml.symbols import symbols

HUGE_PAGE = 2 << 20
"""Every tensor's slots begin on this boundary, in bytes."""


@dataclass(frozen=True, slots=True)
class PagedTensor:
    """One expert weight tensor as the slots hold it.

    `stride_bytes` lies between two slots; an expert's `n_bytes` begin `phase` bytes into its slot.
    """

    name: str
    layer: int
    kind: str
    n_expert: int
    n_bytes: int
    stride_bytes: int
    phase: int
    interleaved: bool

    @property
    def reserved_bytes(self) -> int:
        """Address space for a slot per expert, rounded up to huge pages; only used slots take memory."""
        return -(-self.n_expert * self.stride_bytes // HUGE_PAGE) * HUGE_PAGE


class Placement(Protocol):
    """Where the routed experts of one layer are now: in slots, or staged."""

    @property
    def slots(self) -> NDArray[np.int32] | None:
        """Slot numbers in the shape of the routed ids, contiguous; None when staged."""

    @property
    def staged(self) -> Mapping[str, tuple[int, int]] | None:
        """By kind: address of expert 0's slot, and bytes from one expert's slot to the next; None when in slots."""


class ExpertProvider(Protocol):
    """Brings experts into memory: what the weights ask before and tell after each graph they compute."""

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str]) -> Placement:
        """Return where the experts of `routed` [n_tokens, n_expert_used] are, all bytes of `kinds` present."""

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        """Note that the kernels are done with `kinds` of this layer."""


class PagedWeights:
    """All paged tensors of one open model."""

    def __init__(
        self,
        tensors: Sequence[PagedTensor],
        *,
        n_threads: int,
        reserve: Callable[[int], int],
        placed: Callable[[int, str, int], None],
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare to be opened; nothing is allocated yet.

        `reserve(n_bytes)` returns the address of that much untouched memory, aligned to HUGE_PAGE; `placed(layer,
        kind, address)` learns where the slots of a tensor begin; `n_threads` must be llama.cpp's own number, else
        OpenMP rebuilds its pool at every graph.
        """
        self.error: BaseException | None = None
        self.compute_seconds = 0.0
        self.provider: ExpertProvider | None = None
        self._ggml = symbols()
        self._by_name = {tensor.name: tensor for tensor in tensors}
        self._reserve, self._placed, self._cancelled = reserve, placed, cancelled
        self._of_address: dict[int, PagedTensor] = {}
        self._buffers: set[int] = set()
        self._ids: dict[int, _SlotIds] = {}
        self._interleaver = Interleaver()
        self._backend: int | None = self._ggml.ggml_backend_cpu_init()
        self._ggml.ggml_backend_cpu_set_n_threads(self._backend, n_threads)

    def reserve_buffer(self, n_bytes: int) -> int:
        """Return the address of the memory behind the tensors."""
        return self._reserve(n_bytes)

    def alloc_size(self, tensor_address: int) -> int:
        """Return how many bytes a tensor occupies in the buffer."""
        return self._by_name[_name(Tensor.from_address(tensor_address))].reserved_bytes

    def init_tensor(self, buffer: int, address: int) -> None:
        """Make a tensor of ours out of llama.cpp's: its kernel chosen, its slots placed, and empty until `opened`."""
        tensor = Tensor.from_address(address)
        paged = self._by_name[_name(tensor)]
        if paged.interleaved and not self._interleaver.initialise(address):
            message = f"{paged.name} is stored interleaved, but this CPU has no such kernel."
            raise AbiError(message, hint="Pack the model again on this machine.")
        self._placed(paged.layer, paged.kind, tensor.data)
        tensor.data = tensor.data + paged.phase
        tensor.ne[2] = 0
        self._of_address[address] = paged
        self._buffers.add(buffer)

    def opened(self) -> None:
        """Give every tensor its slots, and present the buffer as the type the CPU's kernels look for."""
        ggml = self._ggml
        interleaved = any(tensor.interleaved for tensor in self._by_name.values())
        presented = interleaved_buffer_type() if interleaved else ggml.ggml_backend_cpu_buffer_type()
        for address, paged in self._of_address.items():
            tensor = Tensor.from_address(address)
            tensor.ne[2] = paged.n_expert
            tensor.nb[2] = paged.stride_bytes
            tensor.nb[3] = paged.stride_bytes * paged.n_expert
        for buffer in self._buffers:
            Buffer.from_address(buffer).buft = presented
        missing = set(self._by_name) - {tensor.name for tensor in self._of_address.values()}
        if missing:
            raise OffloadError(
                f"llama.cpp did not load {len(missing)} expert tensors of the file, such as {min(missing)}.",
                hint="This model's layout is not supported; run it with --store gguf --memory auto and report it.",
            )

    @property
    def addresses(self) -> Mapping[int, PagedTensor]:
        """The tensors by their address in llama.cpp, as they are initialised."""
        return self._of_address

    def compute(self, graph: int, nodes: Sequence[Tensor]) -> int:
        """Compute a graph whose MUL_MAT_ID `nodes` are on our weights; return a ggml status.

        Never raises: see `error`.
        """
        undo: list[tuple[Tensor, int, int]] = []
        try:
            if self.error is not None:
                return abi.STATUS_FAILED
            if self._cancelled():
                return abi.STATUS_ABORTED
            by_layer = self._by_layer(nodes)
            keep = [self._patch(layer, served, undo) for layer, served in by_layer.items()]
            start = time.perf_counter()
            status: int = self._ggml.ggml_backend_graph_compute(self._backend, graph)
            self.compute_seconds += time.perf_counter() - start
            del keep
            assert self.provider is not None
            for layer, served in by_layer.items():
                self.provider.computed(layer, [paged.kind for _, paged in served])
            return status
        except BaseException as error:
            self.error = error
            return abi.STATUS_FAILED
        finally:
            for node, position, address in undo:
                node.src[position] = address

    def take_error(self) -> BaseException | None:
        """Return the error a callback stored, once."""
        error, self.error = self.error, None
        return error

    def close(self) -> None:
        """Free the backend; harmless when called twice. The model is freed before."""
        self._of_address.clear()
        self._interleaver.close()
        if self._backend is not None:
            self._ggml.ggml_backend_free(self._backend)
            self._backend = None

    def _by_layer(self, nodes: Sequence[Tensor]) -> dict[int, list[tuple[Tensor, PagedTensor]]]:
        by_layer: dict[int, list[tuple[Tensor, PagedTensor]]] = {}
        for node in nodes:
            paged = self._of_address[node.src[0]]
            by_layer.setdefault(paged.layer, []).append((node, paged))
        return by_layer

    def _patch(self, layer: int, nodes: list[tuple[Tensor, PagedTensor]], undo: list[tuple[Tensor, int, int]]) -> Any:
        """Point the nodes of one layer at the experts' place; return what must stay alive while they compute."""
        routed = _routed_ids(nodes[0][0].src[2])
        if not routed.size:
            return None
        assert self.provider is not None
        placement = self.provider.place(layer, routed, [paged.kind for _, paged in nodes])
        if placement.slots is not None:
            ids = self._slot_ids(layer, nodes[0][0].src[2], placement.slots)
            for node, _ in nodes:
                undo.append((node, 2, node.src[2]))
                node.src[2] = C.addressof(ids)
            return ids
        assert placement.staged is not None
        keep = []
        for node, paged in nodes:
            whole = Tensor()
            C.memmove(C.addressof(whole), node.src[0], C.sizeof(Tensor))
            address, stride = placement.staged[paged.kind]
            whole.data = address + paged.phase
            whole.nb[2], whole.nb[3] = stride, stride * paged.n_expert
            undo.append((node, 0, node.src[0]))
            node.src[0] = C.addressof(whole)
            keep.append(whole)
        return keep

    def _slot_ids(self, layer: int, true_ids: int, slots: NDArray[np.int32]) -> Tensor:
        """Return an ids tensor like llama.cpp's own, with slot numbers in it."""
        held = self._ids.get(layer)
        if held is None or held.shape != slots.shape or held.copied_from != true_ids:
            held = self._ids[layer] = _SlotIds(true_ids, slots.shape)
        held.numbers[:] = slots
        return held.tensor


class _SlotIds:
    """A ggml tensor [n_tokens, n_expert_used] of slot numbers, and its memory; kept for the next graph of the layer."""

    __slots__ = ("copied_from", "numbers", "shape", "tensor")

    def __init__(self, true_ids: int, shape: tuple[int, ...]) -> None:
        n_tokens, n_used = shape
        self.copied_from, self.shape = true_ids, shape
        self.numbers = np.empty(shape, np.int32)
        self.tensor = Tensor()
        C.memmove(C.addressof(self.tensor), true_ids, C.sizeof(Tensor))
        self.tensor.nb[:] = [4, 4 * n_used, 4 * n_used * n_tokens, 4 * n_used * n_tokens]
        self.tensor.data = self.numbers.ctypes.data


def _name(tensor: Tensor) -> str:
    name: bytes = tensor.name
    return name.decode()


def _routed_ids(address: int) -> NDArray[np.int32]:
    """Return ggml's ids tensor as an array [n_tokens, n_expert_used]: a view into the graph's memory."""
    ids = Tensor.from_address(address)
    n_used, n_tokens = ids.ne[0], ids.ne[1]
    if not n_tokens:
        return np.empty((0, n_used), np.int32)
    n_bytes = ids.nb[1] * (n_tokens - 1) + 4 * n_used
    memory = (C.c_char * n_bytes).from_address(ids.data)
    return np.ndarray((n_tokens, n_used), np.int32, memory, strides=(ids.nb[1], ids.nb[0]))
