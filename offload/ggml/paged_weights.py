"""The expert weights of one model: tensors over slots instead of over the whole file, and graphs computed with them.

llama.cpp loads these tensors as empty (`ne[2] = 0`, so nothing is read), and hands graphs with MUL_MAT_ID on them to
the pager's backend. A graph is walked from one layer's paged nodes to the next: what stands before is computed, so
that the routed ids are known; the provider brings those experts into memory and says where they are:

    in slots    the nodes' ids (`src[2]`) are replaced by slot numbers
    in racks    besides, the nodes' weights (`src[0]`) are replaced by tensors over the whole rack: slots and places

and the walk goes on. Afterwards the nodes are put back as they were: llama.cpp reuses the graph for the next token.
Where down has not arrived yet, gate and up are computed first.

Thread rule: opened, computed with and closed by the thread that calls llama.cpp.
"""

import ctypes as C
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from offload.errors import AbiError, OffloadError
from offload.ggml import abi
from offload.ggml.abi import Buffer, Tensor
from offload.ggml.graph_walk import GraphWalk, gate_of, routed_ids
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.ggml.symbols import symbols

ALIGNMENT = 64
"""What llama.cpp is told of the buffer of the paged tensors, in bytes; the slots are aligned to pages."""


@dataclass(frozen=True, slots=True)
class PagedTensor:
    """One expert weight tensor as the slots hold it.

    Slot 0 begins at `address`, and `stride_bytes` lies between two slots; an expert's `n_bytes` begin `phase` bytes
    into its slot. The rack that reaches the slots and the places for staging begins at `rack_address` and has
    `rack_slots`.
    """

    name: str
    layer: int
    kind: str
    n_expert: int
    n_bytes: int
    stride_bytes: int
    phase: int
    interleaved: bool
    address: int
    rack_address: int
    rack_slots: int


class Placement(Protocol):
    """Where a layer's routed experts are, in the shape of the routed ids, contiguous: one of the two is given."""

    @property
    def slots(self) -> NDArray[np.int32] | None:
        """Numbers among the layer's own slots, the same for all kinds."""

    @property
    def racked(self) -> Mapping[str, NDArray[np.int32]] | None:
        """By kind: numbers in the rack."""


class ExpertProvider(Protocol):
    """Brings experts into memory: what the weights ask before and tell after each graph they compute."""

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str]) -> Placement:
        """Return where the experts of `routed` [n_tokens, n_expert_used] are, all bytes of `kinds` present."""

    def arrived(self, layer: int, kinds: Sequence[str]) -> bool:
        """Say whether `place` would neither wait for `kinds` of the layer it last placed, nor reuse its memory."""

    def computed(self, layer: int, kinds: Sequence[str]) -> None:
        """Note that the kernels are done with `kinds` of this layer."""


class RouteObserver(Protocol):
    """Learns how tokens are routed, layer by layer, as a graph is computed. What it is given lasts for the call."""

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        """Learn of one layer: `experts`, gate `weights` [n_tokens, n_expert_used], router `inputs` [n_tokens, n_embd].

        None where the graph does not have them, or not in memory any more.
        """


PagedNode = tuple[int, PagedTensor, Tensor]
"""A node that multiplies with a paged tensor: its position in the graph, the paged tensor, the node."""


class PagedWeights:
    """All paged tensors of one open model."""

    def __init__(
        self,
        tensors: Sequence[PagedTensor],
        *,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare to be opened: the memory of the slots is reserved already."""
        self.error: BaseException | None = None
        self.compute_seconds = 0.0
        self.provider: ExpertProvider | None = None
        self.observer: RouteObserver | None = None
        self._ggml = symbols()
        self._mul_mat_id = self._ggml.mul_mat_id
        self._by_name = {tensor.name: tensor for tensor in tensors}
        self._cancelled = cancelled
        self._of_address: dict[int, PagedTensor] = {}
        self._buffers: set[int] = set()
        self._ids: dict[tuple[int, str], _SlotIds] = {}
        self._interleaver = Interleaver()
        self._presented: list[Buffer] = []

    @property
    def base(self) -> int:
        """Where llama.cpp's buffer begins: nothing is written there; tensors get their own address later."""
        return min(tensor.rack_address for tensor in self._by_name.values())

    def alloc_size(self, tensor_address: int) -> int:
        """Return how many bytes a tensor occupies in the buffer."""
        paged = self._by_name[_name(Tensor.from_address(tensor_address))]
        return paged.n_expert * paged.n_bytes

    def init_tensor(self, buffer: int, address: int) -> None:
        """Make a tensor of ours out of llama.cpp's: its kernel chosen, its slots placed, and empty until `opened`."""
        tensor = Tensor.from_address(address)
        paged = self._by_name[_name(tensor)]
        if paged.interleaved and not self._interleaver.initialise(address):
            message = f"{paged.name} is stored interleaved, but this CPU has no such kernel."
            raise AbiError(message, hint="Pack the model again on this machine.")
        tensor.data = paged.address + paged.phase
        tensor.ne[2] = 0
        self._of_address[address] = paged
        self._buffers.add(buffer)

    def opened(self) -> None:
        """Give every tensor its slots, and present its buffer as the type the CPU's kernels look for."""
        plain = self._buffer_presented_as(self._ggml.ggml_backend_cpu_buffer_type())
        interleaved = self._buffer_presented_as(interleaved_buffer_type())
        for address, paged in self._of_address.items():
            tensor = Tensor.from_address(address)
            tensor.ne[2] = paged.n_expert
            tensor.nb[2] = paged.stride_bytes
            tensor.nb[3] = paged.stride_bytes * paged.n_expert
            tensor.buffer = interleaved if paged.interleaved else plain
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

    def compute(self, graph: int, compute_native: Callable[[int], int]) -> int:
        """Compute a graph, its paged nodes among others; return a ggml status. Never raises: see `error`.

        `compute_native` is the CPU backend's own way to compute a graph.
        """
        undo: list[tuple[Tensor, int, int]] = []
        try:
            return abi.STATUS_FAILED if self.error is not None else self._walk(graph, compute_native, undo)
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
        """Forget the tensors; harmless when called twice. The model is freed before."""
        self._of_address.clear()
        self._interleaver.close()

    def _buffer_presented_as(self, buffer_type: int | None) -> int:
        """Return a buffer like ours of a type that kernels know; llama.cpp keeps and frees ours."""
        presented = Buffer()
        C.memmove(C.addressof(presented), next(iter(self._buffers)), C.sizeof(Buffer))
        presented.buft = buffer_type
        self._presented.append(presented)
        return C.addressof(presented)

    def _walk(self, graph: int, compute_native: Callable[[int], int], undo: list[tuple[Tensor, int, int]]) -> int:
        assert self.provider is not None
        walk = GraphWalk(graph, compute_native)
        keep: list[Any] = []
        under_way: list[tuple[int, list[str]]] = []

        def go_to(position: int) -> bool:
            start = time.perf_counter()
            walk.go_to(position)
            self.compute_seconds += time.perf_counter() - start
            for layer, kinds in under_way:
                self.provider.computed(layer, kinds)  # type: ignore[union-attr]
            under_way.clear()
            return walk.status == abi.STATUS_SUCCESS

        nodes = (
            (position, self._of_address.get(node.src[0]), node) for position, node in walk.nodes_of(self._mul_mat_id)
        )
        served = [(position, paged, node) for position, paged, node in nodes if paged is not None]
        for layer, of_layer in groupby(served, key=lambda item: item[1].layer):
            if self._cancelled():
                return abi.STATUS_ABORTED
            first, rest = _phases(list(of_layer))
            if not go_to(first[0][0]):
                return walk.status
            true_ids = first[0][2].src[2]
            routed = routed_ids(true_ids)
            if not routed.size:
                continue
            if self.observer is not None:
                self.observer.routed(layer, routed, *gate_of(walk, *first[0][::2], routed.shape))
            keep.append(self._place(layer, true_ids, routed, first, rest, undo))
            under_way.append((layer, [paged.kind for _, paged, _ in first]))
            if rest:
                kinds = [paged.kind for _, paged, _ in rest]
                if not self.provider.arrived(layer, kinds):
                    if not go_to(rest[0][0]):
                        return walk.status
                    keep.append(self._place(layer, true_ids, routed, rest, [], undo))
                under_way.append((layer, kinds))
        go_to(walk.n_nodes)
        del keep
        return walk.status

    def _place(
        self,
        layer: int,
        true_ids: int,
        routed: NDArray[np.int32],
        phase: Sequence[PagedNode],
        later: Sequence[PagedNode],
        undo: list[tuple[Tensor, int, int]],
    ) -> Any:
        """Have the experts of a phase placed and point its nodes there; return what must stay alive meanwhile.

        An expert has one slot for all its kinds: where it is in one, the nodes of the phase `later` are served too.
        """
        assert self.provider is not None
        placement = self.provider.place(layer, routed, [paged.kind for _, paged, _ in phase])
        if placement.slots is not None:
            ids = self._slot_ids(layer, "", true_ids, placement.slots)
            for _, _, node in (*phase, *later):
                if node.src[2] == true_ids:
                    undo.append((node, 2, true_ids))
                    node.src[2] = C.addressof(ids)
            return ids
        assert placement.racked is not None
        keep = []
        for _, paged, node in phase:
            ids = self._slot_ids(layer, paged.kind, true_ids, placement.racked[paged.kind])
            rack = _over_rack(node.src[0], paged)
            undo += [(node, 0, node.src[0]), (node, 2, true_ids)]
            node.src[0], node.src[2] = C.addressof(rack), C.addressof(ids)
            keep.append((rack, ids))
        return keep

    def _slot_ids(self, layer: int, kind: str, true_ids: int, slots: NDArray[np.int32]) -> Tensor:
        """Return an ids tensor like llama.cpp's own, with slot numbers in it."""
        held = self._ids.get((layer, kind))
        if held is None or held.shape != slots.shape or held.copied_from != true_ids:
            held = self._ids[layer, kind] = _SlotIds(true_ids, slots.shape)
        held.numbers[:] = slots
        return held.tensor


def _phases(nodes: list[PagedNode]) -> tuple[list[PagedNode], list[PagedNode]]:
    """Cut a layer's nodes before down, where it does not stand alone."""
    cut = next((number for number, (_, paged, _) in enumerate(nodes) if paged.kind == "down"), 0)
    return (nodes[:cut], nodes[cut:]) if cut else (nodes, [])


def _over_rack(address: int, paged: PagedTensor) -> Tensor:
    """Return a tensor like the paged one at `address`, over its whole rack."""
    rack = Tensor()
    C.memmove(C.addressof(rack), address, C.sizeof(Tensor))
    rack.data = paged.rack_address + paged.phase
    rack.ne[2] = paged.rack_slots
    rack.nb[3] = rack.nb[2] * paged.rack_slots
    return rack


class _SlotIds:
    """A ggml tensor [n_tokens, n_expert_used] of numbers, and its memory; kept for the next graph of the layer."""

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
