"""The expert weights of one model: tensors over slots instead of over the whole file, and graphs computed with them.

llama.cpp loads these tensors as empty (`ne[2] = 0`, so nothing is read), and hands graphs with MUL_MAT_ID on them to
the pager's backend. A graph is walked (`joint_walk`) from one layer's paged nodes to the next: what stands before is
computed, so that the routed ids are known; the provider brings those experts into memory and says where they are:

    in slots    the nodes' ids (`src[2]`) are replaced by slot numbers
    in racks    besides, the nodes' weights (`src[0]`) are replaced by tensors over the whole rack: slots and places

and the walk goes on. Afterwards the nodes are put back as they were: llama.cpp reuses the graph for the next token.
Where down has not arrived yet, gate and up are computed first.

Thread rule: opened, computed with and closed by the thread that calls llama.cpp. Where graphs are parked, the threads
of several contexts call `compute`, and one thread computes for them.
"""

import ctypes as C
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from offload.errors import AbiError, OffloadError
from offload.ggml import abi
from offload.ggml.abi import Buffer, Tensor
from offload.ggml.expert_provider import ExpertProvider, RouteObserver
from offload.ggml.gate_reader import GateReader
from offload.ggml.graph_memory import GraphMemory, HostGraphMemory, SlotNumbers
from offload.ggml.host_rows import HostRows
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.ggml.joint_walk import JointWalk, WalkedGraph
from offload.ggml.paged_tensor import PagedTensor
from offload.ggml.symbols import symbols

__all__ = ["ALIGNMENT", "ComputeNative", "GraphOutcome", "PagedTensor", "PagedWeights", "RouteObserver"]

ComputeNative = Callable[[int], int]
"""Computes the graph at an address; returns a ggml status."""

ALIGNMENT = 64
"""What llama.cpp is told of the buffer of the paged tensors, in bytes; the slots are aligned to pages."""


@dataclass(frozen=True, slots=True)
class GraphOutcome:
    """How the computation of a graph ended: a ggml status, and why where it failed."""

    status: int
    error: BaseException | None = None


class PagedWeights:
    """All paged tensors of one open model."""

    def __init__(
        self,
        tensors: Sequence[PagedTensor],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        memory: GraphMemory | None = None,
    ) -> None:
        """Prepare to be opened: the memory of the slots is reserved already. `memory` None: the process's own."""
        self.error: BaseException | None = None
        self.compute_seconds = 0.0
        self.provider: ExpertProvider | None = None
        self.observers: list[RouteObserver] = []
        """Told of every layer's routes, in this order; the first may replace them."""
        self.host_rows: HostRows | None = None
        """Computes rows on the CPU where the provider says so."""
        self.parking: Callable[[int, ComputeNative], int] | None = None
        self._ggml = symbols()
        self._mul_mat_id = self._ggml.mul_mat_id
        self._by_name = {tensor.name: tensor for tensor in tensors}
        self._cancelled = cancelled
        self._of_address: dict[int, PagedTensor] = {}
        self._buffers: set[int] = set()
        self._memory: GraphMemory = memory or HostGraphMemory()
        self._numbers: list[SlotNumbers] = []
        self._gates = GateReader(self._memory)
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
            tensor.ne[2] = paged.n_slots
            tensor.nb[2] = paged.stride_bytes
            tensor.nb[3] = paged.stride_bytes * paged.n_slots
            tensor.buffer = paged.buffer or (interleaved if paged.interleaved else plain)
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

    def compute(self, graph: int, compute_native: ComputeNative) -> int:
        """Compute a graph, its paged nodes among others; return a ggml status. Never raises: see `error`.

        `compute_native` is the CPU backend's own way to compute a graph. Where `parking` is set, it has the graph
        computed, together with others, and keeps the error.
        """
        if self.parking is not None:
            return self.parking(graph, compute_native)
        if self.error is not None:
            return abi.STATUS_FAILED
        (outcome,) = self.compute_together([graph], [compute_native])
        self.error = outcome.error
        return outcome.status

    def compute_together(self, graphs: Sequence[int], natives: Sequence[ComputeNative]) -> list[GraphOutcome]:
        """Compute graphs of as many contexts, layer by layer, each with the numbers it would have alone.

        Never raises. `natives` compute them, one for each graph. The same contexts come in the same order: what is
        kept for their next graphs is kept by number.
        """
        walked: list[WalkedGraph] = []
        try:
            assert self.provider is not None
            self._numbers += [self._memory.slot_numbers() for _ in graphs[len(self._numbers) :]]
            served = self._of_address, self._mul_mat_id, self._memory
            for address, native, numbers in zip(graphs, natives, self._numbers[: len(graphs)], strict=True):
                walked.append(WalkedGraph(address, native, *served, numbers, self.host_rows))
            walk = JointWalk(walked, self.provider, self.observers, self._gates, self._cancelled)
            try:
                walk.run()
            finally:
                self.compute_seconds += walk.compute_seconds
            return [GraphOutcome(graph.status, graph.error) for graph in walked]
        except BaseException as error:
            if self.provider is not None:
                self.provider.reset()  # the next graphs shall not go on with what these have begun
            return [GraphOutcome(abi.STATUS_FAILED, error)] * len(graphs)
        finally:
            for graph in walked:
                graph.put_back()

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


def _name(tensor: Tensor) -> str:
    name: bytes = tensor.name
    return name.decode()
