"""The same tokens through plain llama.cpp and through paged experts, for comparing logits bit for bit.

"Plain" has every tensor in the layout it has when paged: interleaved where a store holds it so, by override.
One compute thread everywhere, so that a busy machine does not slow the runs.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offload.experts.gguf_store import GgufStore
from offload.experts.packed_store import PackedStore, packed_path_for
from offload.experts.slot_memory import ArenaSlots
from offload.experts.span_source import RetryingSource, SpanSource
from offload.experts.store import ExpertStore
from offload.ggml.interleave import Interleaver, interleaved_buffer_type
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.llama.context import LlamaContext
from offload.llama.library import load
from offload.llama.model import BufferOverride, LlamaModel
from offload.paged_model import PagedModel, dense_overrides
from offload.slot_home import DeviceShare, paged_tensors
from offload.store_choice import pack_model

Logits = NDArray[np.float32]

N_CTX = 256
PROMPT = [(7 * index * index + 31 * index + 5) % 300 for index in range(40)]
"""Different tokens, so that they route differently; none is special."""
ANSWER = [(11 * index * index + 17 * index + 3) % 300 for index in range(64)]
"""What is decoded token by token, whatever the logits say: a greedy walk would go round in circles."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model file, its header, and the store its experts are read from."""

    header: GgufHeader
    store: ExpertStore

    @property
    def n_expert(self) -> int:
        """Experts of a layer, the same in all."""
        return max(layout.n_expert for layout in self.store.layers.values())

    def capacity(self, n_slots: int) -> dict[int, int]:
        """Return so many slots for every layer."""
        return dict.fromkeys(self.store.layers, n_slots)


def gguf_model(path: Path) -> StoredModel:
    """Return the model with its experts read from the GGUF."""
    header = read_gguf_header(path)
    return StoredModel(header, GgufStore(header))


def packed_model(path: Path, *, layout: str = "interleaved") -> StoredModel:
    """Pack the model beside itself and return it with its experts read from there."""
    load()
    header = read_gguf_header(path)
    interleaver = Interleaver()
    try:
        packed = pack_model(path, layout=layout)
        assert packed == packed_path_for(header.files[0])
        return StoredModel(header, PackedStore.open(packed, header, interleaver.layout_name))
    finally:
        interleaver.close()


@contextmanager
def plain_context(stored: StoredModel, *, n_ubatch: int = 16) -> Iterator[LlamaContext]:
    """Open the model in llama.cpp alone, every tensor in the layout it has when paged."""
    load()
    buffer_type = interleaved_buffer_type()
    interleaved = [
        tensor.name for tensor in paged_tensors(stored.store, ArenaSlots(stored.store.layers)) if tensor.interleaved
    ]
    assert buffer_type is not None or not interleaved
    overrides = [BufferOverride(f"^{re.escape(name)}$", buffer_type or 0) for name in interleaved]
    with (
        LlamaModel.open(stored.header.files[0], overrides=[*overrides, *dense_overrides(stored.header)]) as model,
        _context(model, n_ubatch) as context,
    ):
        yield context


@contextmanager
def paged_context(
    stored: StoredModel,
    capacity: int | Mapping[int, int],
    *,
    staged: bool = True,
    n_ubatch: int = 16,
    n_readers: int = 2,
    direct_io: bool = True,
    cancelled: Callable[[], bool] = lambda: False,
    wrap_source: Callable[[SpanSource], SpanSource] = RetryingSource,
    device: DeviceShare | None = None,
) -> Iterator[tuple[PagedModel, LlamaContext]]:
    """Open the model with `capacity` slots in each layer, wired to its context as the engine does it.

    With `staged` batches are staged, and the layers have one slot less meanwhile where the floor permits.
    """
    slots = stored.capacity(capacity) if isinstance(capacity, int) else capacity
    floor = stored.header.n_expert_used
    with (
        PagedModel(
            stored.header,
            stored.store,
            capacity=slots,
            staged_capacity={layer: max(floor, n - 1) for layer, n in slots.items()} if staged else None,
            n_readers=n_readers,
            direct_io=direct_io,
            cancelled=cancelled,
            wrap_source=wrap_source,
            device=device,
        ) as paged,
        _context(paged.model, n_ubatch) as context,
    ):
        context.pending_error = paged.pending_error
        yield paged, context


@contextmanager
def _context(model: LlamaModel, n_ubatch: int) -> Iterator[LlamaContext]:
    with LlamaContext.open(
        model, n_ctx=N_CTX, n_batch=len(PROMPT), n_ubatch=min(n_ubatch, len(PROMPT)), n_threads=1
    ) as context:
        yield context


def prefill(context: LlamaContext, tokens: Sequence[int] = PROMPT, *, position: int = 0) -> Logits:
    """Compute `tokens` as one batch; return the logits [n_tokens, n_vocab] of every one of them."""
    context.decode(tokens, position=position, logits="all")
    return np.stack([context.logits(index) for index in range(len(tokens))])


def decode(context: LlamaContext, tokens: Sequence[int] = ANSWER, *, position: int = len(PROMPT)) -> Logits:
    """Compute `tokens` one by one; return the logits [n_tokens, n_vocab] after each."""
    logits = []
    for offset, token in enumerate(tokens):
        context.decode([token], position=position + offset)
        logits.append(context.logits().copy())
    return np.stack(logits)


def prompt_and_answer(context: LlamaContext) -> Logits:
    """Compute PROMPT as a batch and ANSWER token by token; return all logits, in order."""
    return np.concatenate([prefill(context), decode(context)])
