"""Where the slots of a paged model are: in this process's memory, or in a device's over a tier of RAM.

A `SlotHome` is all that differs between the two: memory and source for the pager, what the paged tensors are, how
contexts come to compute with them.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from offload.experts.device_slots import DeviceSlots
from offload.experts.eviction import EvictionPolicy, LeastRecentlyUsed
from offload.experts.host_experts import HostExperts
from offload.experts.loader import Loader
from offload.experts.row_policy import MembersStay, RowPolicy
from offload.experts.slot_memory import ArenaSlots, SlotMemory
from offload.experts.span_source import PartSource, SpanSource
from offload.experts.store import ExpertStore, LayerLayout, WeightKind, WeightLayout
from offload.ggml.device import pager_device
from offload.ggml.device_hook import device_hook
from offload.ggml.device_memory import DeviceBuffer, DeviceGraphMemory
from offload.ggml.devices import most_bytes
from offload.ggml.graph_memory import GraphMemory
from offload.ggml.host_rows import HostRows
from offload.ggml.paged_weights import PagedTensor, PagedWeights
from offload.ggml.symbols import symbols
from offload.ram_tier import RamTier


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """What a model has of a device, and of the RAM below it."""

    address: int
    """Of the ggml device."""
    stands_in: bool
    """The processor stands in for a GPU: its layers are not offloaded, they are there already."""
    capacity: Mapping[int, int]
    """Slots of each layer that there is memory for."""
    staged: bool
    host_bytes: int
    """Of RAM that keeps experts, until `PagedModel.keep_in_ram` says otherwise."""
    n_readers: int
    on_cpu: float | None = None
    """By how many uses copying an expert to the device costs more than computing it on the CPU, beyond the first; None:
    experts are always copied."""
    n_threads: int = 1
    """Of the CPU where it computes experts."""


@dataclass(frozen=True, slots=True)
class SlotHome:
    """The memory of one model's slots, and who computes with it."""

    memory: SlotMemory[Any]
    tensors: list[PagedTensor]
    graph_memory: GraphMemory | None
    """None: the process's own."""
    serving: Callable[[PagedWeights], AbstractContextManager[None]]
    """Entered while a context is made."""
    forget: Callable[[PagedWeights], None]
    source: Callable[[SpanSource], PartSource[Any]]
    """Returns what reads experts into the slots, given what reads the store."""
    use_huge_pages: Callable[[Mapping[int, int]], None]
    policy: EvictionPolicy
    on_cpu: Callable[[Loader], HostExperts] | None = None
    """Returns what decides and holds the experts that the CPU computes; None: it computes none for a device."""
    host_rows: HostRows | None = None
    ram: RamTier | None = None
    """What RAM keeps behind a device's slots."""


def host_home(store: ExpertStore, closing: ExitStack) -> SlotHome:
    """Return slots in this process's memory; `closing` frees them.

    Raises:
        OSError: the system refuses to reserve so much address space.
    """
    memory = ArenaSlots(store.layers)
    closing.callback(memory.close)
    return SlotHome(
        memory=memory,
        tensors=paged_tensors(store, memory),
        graph_memory=None,
        serving=pager_device().serving,
        forget=lambda weights: None,
        source=lambda source: source,
        use_huge_pages=memory.use_huge_pages,
        policy=LeastRecentlyUsed(),
    )


def device_home(store: ExpertStore, share: DeviceShare, closing: ExitStack) -> SlotHome:
    """Return slots in a device's memory; `closing` frees them.

    Raises:
        DeviceError: the device has not so much memory.
    """
    memory = DeviceSlots(
        store,
        share.capacity,
        partial(DeviceBuffer, share.address),
        staged=share.staged,
        most_bytes=most_bytes(share.address),
    )
    closing.callback(memory.close)
    graph_memory = DeviceGraphMemory(share.address)
    closing.callback(graph_memory.close)
    ram = RamTier(store.layers, memory, share.address, share.n_readers)
    closing.callback(ram.close)
    ram.keep(share.host_bytes)
    hook = device_hook(share.address)

    if share.on_cpu is not None:
        n_expert = {layer: layout.n_expert for layer, layout in store.layers.items()}
        rows = RowPolicy(n_expert, share.capacity, share.on_cpu)
        host_rows = HostRows(share.n_threads)
        closing.callback(host_rows.close)

    return SlotHome(
        memory=memory,
        tensors=device_tensors(store, memory, share),
        graph_memory=graph_memory,
        serving=hook.serving,
        forget=hook.forget,
        source=ram.over,
        use_huge_pages=lambda capacity: None,
        policy=LeastRecentlyUsed() if share.on_cpu is None else MembersStay(rows.members),
        on_cpu=None if share.on_cpu is None else partial(_on_cpu, store, ram, rows),
        host_rows=None if share.on_cpu is None else host_rows,
        ram=ram,
    )


def _on_cpu(store: ExpertStore, ram: RamTier, rows: RowPolicy, loader: Loader) -> HostExperts:
    assert ram.source is not None
    return HostExperts(store, ram.source, loader, rows)


def paged_tensors(store: ExpertStore, memory: ArenaSlots) -> list[PagedTensor]:
    """Return the expert tensors as slots in this process's memory hold them."""
    racks = {
        (layer, part.kind): memory.rack(layer, part.kind) for layer, of in store.layers.items() for part in of.parts
    }
    return [
        PagedTensor(
            name=tensor_name(layer, part.kind),
            layer=layer,
            kind=part.kind.value,
            n_expert=layout.n_expert,
            n_bytes=part.n_bytes,
            stride_bytes=part.region_bytes,
            phase=part.start,
            interleaved=part.layout is WeightLayout.INTERLEAVED,
            address=memory.address(layer, part.kind),
            rack_address=racks[layer, part.kind].address,
            rack_slots=racks[layer, part.kind].n_slots,
            n_slots=layout.n_expert,
        )
        for layer, layout in store.layers.items()
        for part in layout.parts
    ]


def device_tensors(store: ExpertStore, memory: DeviceSlots, share: DeviceShare) -> list[PagedTensor]:
    """Return the expert tensors as slots in a device's memory hold them."""
    ggml = symbols()
    alignment = ggml.ggml_backend_buft_get_alignment(ggml.ggml_backend_dev_buffer_type(share.address))
    return [
        _device_tensor(layout, part.kind, memory, share, alignment)
        for layout in store.layers.values()
        for part in layout.parts
    ]


def tensor_name(layer: int, kind: WeightKind) -> str:
    """Return the name of an expert tensor in a GGUF."""
    return f"blk.{layer}.ffn_{kind.value}_exps.weight"


def _device_tensor(
    layout: LayerLayout, kind: WeightKind, memory: DeviceSlots, share: DeviceShare, alignment: int
) -> PagedTensor:
    home = memory.home(layout.layer, kind)
    block = memory.blocks[home.block]
    assert isinstance(block, DeviceBuffer)
    first = home.rack.first[layout.layer]
    start = first * home.rack.stride_bytes
    return PagedTensor(
        name=tensor_name(layout.layer, kind),
        layer=layout.layer,
        kind=kind.value,
        n_expert=layout.n_expert,
        n_bytes=home.n_bytes,
        stride_bytes=home.rack.stride_bytes,
        phase=0,
        interleaved=False,
        address=block.base + start,
        rack_address=block.base,
        rack_slots=home.rack.n_slots,
        n_slots=share.capacity[layout.layer],
        buffer=block.address,
        rack_only=start % alignment != 0,
        first=first,
    )
