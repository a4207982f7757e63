"""One model opened with its experts paged: the place where llama.cpp, the pager's device and the pager meet."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Self

from offload.experts.host_tier import HostTier
from offload.experts.loader import Loader
from offload.experts.pager import ExpertPager
from offload.experts.placement import ExpertPlacer
from offload.experts.racks import Rack
from offload.experts.span_reader import SpanReader
from offload.experts.span_source import RetryingSource, SpanSource
from offload.experts.staging import Staging
from offload.experts.store import ExpertStore
from offload.experts.tiered_source import TierCounts
from offload.ggml.device import pager_device
from offload.ggml.guard import check_abi
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.ggml.paged_weights import ComputeNative, PagedWeights
from offload.gguf_header import GgufHeader
from offload.llama.context import LlamaContext
from offload.llama.library import load
from offload.llama.model import BufferOverride, LlamaModel
from offload.slot_home import DeviceShare, device_home, host_home

INTERLEAVED_DENSE = re.compile(
    r"(blk\.\d+\.(attn_(q|k|v|qkv|output|q_a|q_b|kv_a_mqa|kv_b)|ffn_(gate|up|down)(_shexp)?)|output)\.weight"
)
"""Dense weights that are only ever multiplied with: they may take the interleaved layout where it has a kernel."""


class PagedModel:
    """llama.cpp's model with its expert tensors over slots. Opened, used and closed by one thread.

    `capacity[layer]` slots may be used in each layer. With `staged_capacity` a batch may route to more experts than
    that: it is staged, and the layers have so many slots meanwhile. The slots are in this process's memory, or with
    `device` in a device's, where their number stays what it was.
    """

    model: LlamaModel
    pager: ExpertPager
    placer: ExpertPlacer
    _device: DeviceShare | None
    _reader: SpanReader
    _staging: Staging | None
    _make_staging: Callable[[], Staging]
    _closing: ExitStack

    def __init__(
        self,
        header: GgufHeader,
        store: ExpertStore,
        *,
        capacity: Mapping[int, int],
        staged_capacity: Mapping[int, int] | None,
        n_readers: int,
        direct_io: bool,
        cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float], bool] | None = None,
        wrap_source: Callable[[SpanSource], SpanSource] = RetryingSource,
        device: DeviceShare | None = None,
    ) -> None:
        """Open the model: its dense weights are loaded, its experts absent.

        Raises:
            ModelFileError: llama.cpp refuses the file.
            CancelledError: `on_progress` returned False.
            AbiError: the native library is not the one this release was written for.
            DeviceError: the device has not so much memory.
        """
        load()
        check_abi()
        with ExitStack() as opening:  # what is closed last is entered first: the slots, then their readers, the model
            home = host_home(store, opening) if device is None else device_home(store, device, opening)
            self._home, self._device, self.is_on_device = home, device, device is not None
            self.weights = PagedWeights(home.tensors, cancelled=cancelled, memory=home.graph_memory)
            opening.callback(self.weights.close)
            opening.callback(home.forget, self.weights)
            buffer_type = pager_device().attach(self.weights)
            opening.callback(pager_device().detach, buffer_type)
            overrides = [BufferOverride(_expert_pattern(store), buffer_type)]
            overrides += dense_overrides(header) if device is None else []
            offload_to = device.address if device is not None and not device.stands_in else None
            try:
                progress = _of_dense_weights(header, on_progress)
                self.model = LlamaModel.open(
                    header.files[0], overrides=overrides, on_progress=progress, device=offload_to
                )
            except BaseException as error:
                raise self.weights.take_error() or error from None
            opening.callback(self.model.close)
            self.model.opening_context = partial(home.serving, self.weights)
            self.weights.opened()
            self._reader = SpanReader.open(store, direct=direct_io)
            opening.callback(self._reader.close)
            source = home.source(wrap_source(self._reader))
            loader = Loader(n_readers)
            opening.callback(loader.close)
            self.pager = ExpertPager(store, home.memory, source, loader, home.policy, capacity)
            self._make_staging = partial(Staging, store, home.memory, source, loader, self.pager)
            self._staging = None
            self.placer = ExpertPlacer(
                store.layers,
                self.pager,
                header.n_expert_used,
                capacity=capacity,
                staging=None,
                staged_capacity=None,
                racks=self.racks,
            )
            self.resize(capacity, staged_capacity)
            self.weights.provider = self.placer
            if home.on_cpu is not None:
                self.placer.host, self.weights.host_rows = home.on_cpu(loader), home.host_rows
            self._closing = opening.pop_all()

    @property
    def staging(self) -> Staging | None:
        """Staging; None where every batch fits the slots."""
        return self._staging

    @property
    def direct_io(self) -> bool:
        """Whether experts are read past the page cache now."""
        return self._reader.direct

    @property
    def racks(self) -> Sequence[Rack]:
        """How slots and places are numbered."""
        return self._home.memory.racks

    @property
    def tier(self) -> HostTier | None:
        """Experts kept in RAM behind a device's slots; None where the slots are in RAM themselves."""
        return self._home.ram.tier if self._home.ram is not None else None

    def tier_counts(self) -> TierCounts | None:
        """Return what went from tier to tier so far; None where there is but one above the disk."""
        ram = self._home.ram
        return ram.source.counts() if ram is not None and ram.source is not None else None

    def keep_in_ram(self, n_bytes: int) -> None:
        """Keep experts of so many bytes behind a device's slots from now on; nothing was read yet."""
        if self._home.ram is not None:
            self._home.ram.keep(n_bytes)

    def resize(self, capacity: Mapping[int, int], staged_capacity: Mapping[int, int] | None) -> None:
        """Change the number of slots, and whether batches are staged; nothing may be staged now.

        Raises:
            ValueError: the device has not the memory for that, which was taken for good as the model was opened.
        """
        if self._device is not None:
            _check_room(self._device, self._home.memory.racks, capacity, staged_capacity)
        if staged_capacity is not None and self._staging is None:
            self._staging = self._make_staging()
        staging = self._staging if staged_capacity is not None else None
        self.placer.resize(capacity, staging, staged_capacity)
        # Not for slots that lend their memory: a huge page that is used in part is not given back.
        self._home.use_huge_pages(staged_capacity or capacity)

    @contextmanager
    def parked(
        self,
        park: Callable[[int, ComputeNative], int],
        take_error: Callable[[], BaseException | None],
        contexts: Sequence[LlamaContext],
    ) -> Iterator[None]:
        """Have `park` answer for the graphs of these contexts meanwhile, and `take_error` say why one failed."""
        self.weights.parking = park
        for context in contexts:
            context.pending_error = take_error
        try:
            yield
        finally:
            self.weights.parking = None
            for context in contexts:
                context.pending_error = self.pending_error
            self.placer.reset()

    def pending_error(self) -> BaseException | None:
        """Return, once, what failed inside llama.cpp's compute; the experts of the failed graph are let go."""
        self.placer.reset()
        return self.weights.take_error()

    def close(self) -> None:
        """Free everything, llama.cpp's model included; its contexts are closed before. Harmless when called twice."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_room(
    device: DeviceShare, racks: Sequence[Rack], capacity: Mapping[int, int], staged_capacity: Mapping[int, int] | None
) -> None:
    for layer, n_slots in capacity.items():
        if n_slots > device.capacity[layer]:
            raise ValueError(f"{n_slots} slots of layer {layer}: the device has memory for {device.capacity[layer]}")
    if staged_capacity is None:
        return
    for rack in racks:
        fewest = min(staged_capacity[layer] for layer in rack.first)
        if rack.n_places < rack.n_expert - fewest:
            message = f"staging beside {fewest} slots: the device has memory for {rack.n_places} of {rack.n_expert}"
            raise ValueError(f"{message} experts of {rack.kind.value}")


def _of_dense_weights(
    header: GgufHeader, on_progress: Callable[[float], bool] | None
) -> Callable[[float], bool] | None:
    """Return `on_progress` told in shares of what is loaded: llama.cpp counts the experts, which are not."""
    if on_progress is None:
        return None
    dense_share = header.dense_bytes / header.total_bytes
    return lambda share: on_progress(min(1.0, share / dense_share) if dense_share else 1.0)


def _expert_pattern(store: ExpertStore) -> str:
    kinds = sorted({part.kind.value for layout in store.layers.values() for part in layout.parts})
    return rf"^blk\.\d+\.ffn_({'|'.join(kinds)})_exps\.weight$"


def dense_overrides(header: GgufHeader) -> list[BufferOverride]:
    """Return overrides that put dense weights into the interleaved layout, for those that have a kernel for it."""
    buffer_type = interleaved_buffer_type()
    if buffer_type is None:
        return []
    interleaver = Interleaver()
    try:
        names = [
            name
            for name, tensor in header.tensors.items()
            if INTERLEAVED_DENSE.fullmatch(name)
            and len(tensor.shape) == 2
            and interleaver.supports(int(tensor.type), tensor.shape[0], tensor.shape[1])
        ]
    finally:
        interleaver.close()
    return [BufferOverride(f"^{re.escape(name)}$", buffer_type) for name in names]
