"""A context: llama.cpp's KV cache and compute buffers over an open model, one sequence of tokens.

Invariants:
1. After a failed or aborted `decode` the cache holds no position from `position` on; where a memory cannot remove a
   part (recurrent models) it is emptied, which `n_past` shows.
2. No exception crosses C: what the abort callable raises is raised again once llama.cpp has returned.
3. llama.cpp holds no pointer to freed Python memory: batch and callback live as long as the context.

Thread rule: one thread at a time, except that the callable given to `set_abort` decides for itself.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from offload.errors import CancelledError, DecodeError, UsageError
from offload.llama.held_interrupt import HeldInterrupt
from offload.llama.library import captured_log, error_cause, load
from offload.llama.model import LlamaModel

Outputs = Literal["last", "all", "none"]
"""For which tokens of a batch logits are computed."""

_SEQUENCE: Final = 0
_NO_SLOT: Final = 1
_ABORTED: Final = 2
_INVALID: Final = -1
_BUFFER_LINE: Final = re.compile(r"(KV|RS|state|compute|output)\s+buffer size\s*=\s*([0-9.]+) MiB")


@dataclass(frozen=True, slots=True)
class ContextBuffers:
    """Bytes that a context allocated, as llama.cpp logs them: rounded to a hundredth of a MiB."""

    kv_bytes: int = 0
    """KV cache; of recurrent models their state."""
    compute_bytes: int = 0
    output_bytes: int = 0


class LlamaContext:
    """One sequence being computed with a model. Made by `open`; a context manager.

    `pending_error`, where set, is asked when a decode fails: an exception it returns is the cause (a callback of
    ours inside the compute could not raise it) and is raised instead of a bare `DecodeError`.
    """

    def __init__(
        self, model: LlamaModel, handle: int, buffers: ContextBuffers, *, computes_all_outputs: bool = False
    ) -> None:
        api = load()
        self._api = api
        self._handle: int | None = handle
        self._memory = api.llama_get_memory(handle)
        self._abort: Callable[[], bool] | None = None
        self._abort_error: BaseException | None = None
        self._interrupt = HeldInterrupt()
        self._computes_all_outputs = computes_all_outputs
        self._abort_callback = api.ggml_abort_callback(self._on_abort)
        self.model = model
        self.pending_error: Callable[[], BaseException | None] | None = None
        self.listeners: list[Callable[[Sequence[int] | npt.NDArray[np.int32], Outputs], None]] = []
        """Told of every batch before it is computed: its tokens, and of which logits are asked for."""
        self.buffer_bytes = buffers
        self.n_ctx = int(api.llama_n_ctx(handle))
        self.n_batch = int(api.llama_n_batch(handle))
        self.n_ubatch = int(api.llama_n_ubatch(handle))
        self.n_vocab = model.n_vocab
        self._batch = _Batch(api, self.n_batch)
        model.register(self)

    @classmethod
    def open(
        cls,
        model: LlamaModel,
        *,
        n_ctx: int,
        n_batch: int = 2048,
        n_ubatch: int = 512,
        n_threads: int,
        n_seq_max: int = 1,
        n_outputs_max: int = 0,
        computes_all_outputs: bool = False,
    ) -> Self:
        """Make a context of `n_ctx` tokens (llama.cpp rounds up to a multiple of 256; 0: the model's own).

        At most `n_outputs_max` tokens of a batch may have logits (0: any number); compute buffers are sized for it.
        With `computes_all_outputs` every token has them, whichever `decode` asks for: llama.cpp computes the last layer
        only for tokens with logits, and who watches the layers may want it of all.
        One number of threads serves prefill and decode: the CPU backends of one process share an OpenMP pool that
        is rebuilt whenever the number changes. It computes where the layers of the model are.

        Raises:
            DecodeError: llama.cpp cannot make it, mostly for want of memory; `status` is -2.
        """
        api = load()
        params = api.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = n_batch
        params.n_ubatch = n_ubatch
        params.n_seq_max = n_seq_max
        params.n_outputs_max = n_outputs_max
        params.n_threads = n_threads
        params.n_threads_batch = n_threads
        params.offload_kqv = params.op_offload = model.is_offloaded
        with captured_log() as log, model.opening_context():
            handle = api.llama_init_from_model(model.handle, params)
        if not handle:
            raise DecodeError(
                f"llama.cpp cannot make a context of {n_ctx} tokens: {error_cause(log) or 'it gave no reason'}.",
                status=-2,
                hint="Choose a smaller context or batch.",
            )
        return cls(model, int(handle), parse_buffers(log.lines), computes_all_outputs=computes_all_outputs)

    @property
    def handle(self) -> int:
        """Address of llama.cpp's `llama_context`.

        Raises:
            UsageError: the context was closed.
        """
        if self._handle is None:
            raise UsageError("The context is closed.")
        return self._handle

    @property
    def n_past(self) -> int:
        """Tokens in the cache: one more than the last position."""
        return self._position(self._api.llama_memory_seq_pos_max) + 1

    @property
    def first_position(self) -> int:
        """First position that is still in the cache (above 0 where a sliding window dropped some); -1: empty."""
        return self._position(self._api.llama_memory_seq_pos_min)

    @property
    def can_shift(self) -> bool:
        """Whether positions can be moved, which a context shift needs."""
        return bool(self.handle and self._memory and self._api.llama_memory_can_shift(self._memory))

    def set_abort(self, abort: Callable[[], bool] | None) -> None:
        """Let llama.cpp ask `abort` before every node it computes; True ends the decode with `CancelledError`.

        Asking takes 0.2 us a node (AMD EPYC, one thread, 2026-11) and the interpreter's lock, which other threads may
        hold for milliseconds: set it for batches, not for single tokens.
        """
        self._abort = abort
        callback = self._abort_callback if abort is not None else self._api.ggml_abort_callback(0)
        self._api.llama_set_abort_callback(self.handle, callback, None)

    def decode(self, tokens: Sequence[int] | npt.NDArray[np.int32], *, position: int, logits: Outputs = "last") -> None:
        """Compute `tokens` (at most `n_batch`) as positions `position` and following.

        Raises:
            CancelledError: the abort callable said so.
            KeyboardInterrupt: Ctrl-C, once llama.cpp has returned.
            DecodeError: llama.cpp refuses; `status` is its return value (1: no room in the cache, -1: invalid batch).
            BaseException: what `pending_error` or the abort callable had to say.
        """
        if not 0 < len(tokens) <= self.n_batch:
            raise DecodeError(f"A batch of {len(tokens)} tokens is outside 1 to {self.n_batch}.", status=_INVALID)
        handle = self.handle
        self._abort_error = None
        for listener in self.listeners:
            listener(tokens, logits)
        self._batch.fill(tokens, position, "all" if self._computes_all_outputs else logits)
        with captured_log() as log, HeldInterrupt() as self._interrupt:
            status = int(self._api.llama_decode(handle, self._batch.struct))
        if status == 0 and not self._interrupt.came:
            return
        if not self.remove(position):
            self.clear()
        failure = self._failure(status, len(tokens), position, error_cause(log))
        raise KeyboardInterrupt if self._interrupt.came else failure

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        """Return the logits [n_vocab] of the batch's token `index` (negative: from the end of those with logits).

        A view of llama.cpp's memory, valid until the next decode.

        Raises:
            DecodeError: no logits were computed for that token.
        """
        pointer = self._api.llama_get_logits_ith(self.handle, index)
        if not pointer:
            raise DecodeError(f"The last batch has no logits at index {index}.", status=_INVALID)
        return np.ctypeslib.as_array(pointer, shape=(self.n_vocab,))

    def remove(self, first: int, last: int = -1) -> bool:
        """Drop positions [first, last) from the cache (-1: to the end); False where the memory cannot do that."""
        return bool(self._api.llama_memory_seq_rm(self._live_memory(), _SEQUENCE, first, last))

    def shift(self, first: int, last: int, delta: int) -> None:
        """Move positions [first, last) by `delta`; the cache is turned accordingly at the next decode.

        Raises:
            UsageError: the model's memory cannot shift.
        """
        if not self.can_shift:
            raise UsageError("This model's context cannot be shifted.", hint="Leave the context shift off.")
        self._api.llama_memory_seq_add(self._live_memory(), _SEQUENCE, first, last, delta)

    def clear(self) -> None:
        """Empty the cache."""
        self._api.llama_memory_clear(self._live_memory(), True)

    def close(self) -> None:
        """Free the context; a second call does nothing."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        self._api.llama_free(handle)
        self._batch.close()
        self._abort = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _live_memory(self) -> Any:
        _ = self.handle  # refuses when closed: llama.cpp would follow a dangling pointer
        return self._memory

    def _position(self, query: Callable[[Any, int], int]) -> int:
        return int(query(self._live_memory(), _SEQUENCE))

    def _on_abort(self, _user_data: object) -> bool:
        if self._abort_error is not None or self._interrupt.came:
            return True
        try:
            return self._abort is not None and bool(self._abort())
        except BaseException as error:
            self._abort_error = error
            return True

    def _failure(self, status: int, n_tokens: int, position: int, cause: str) -> BaseException:
        """Return what to raise for a decode that ended with `status`."""
        pending = self.pending_error() if self.pending_error is not None else None
        deeper = pending or self._abort_error
        if deeper is not None:
            return deeper
        if status == _ABORTED:
            return CancelledError("The computation was stopped.")
        what = f"llama.cpp did not compute {n_tokens} tokens at position {position} of {self.n_ctx} (status {status})"
        reason = f"{what}: {cause}." if cause else f"{what}."
        hint = "The context has no room for them: choose a larger context." if status == _NO_SLOT else ""
        return DecodeError(reason, status=status, hint=hint)


class _Batch:
    """llama.cpp's batch, allocated once, seen through NumPy."""

    def __init__(self, api: Any, capacity: int) -> None:
        self._api = api
        self.struct = api.llama_batch_init(capacity, 0, 1)
        shape = (capacity,)
        self._tokens = np.ctypeslib.as_array(self.struct.token, shape)
        self._positions = np.ctypeslib.as_array(self.struct.pos, shape)
        self._outputs = np.ctypeslib.as_array(self.struct.logits, shape)
        np.ctypeslib.as_array(self.struct.n_seq_id, shape)[:] = 1
        for index in range(capacity):
            self.struct.seq_id[index][0] = _SEQUENCE

    def fill(self, tokens: Sequence[int] | npt.NDArray[np.int32], position: int, outputs: Outputs) -> None:
        n = len(tokens)
        self.struct.n_tokens = n
        self._tokens[:n] = tokens
        self._positions[:n] = np.arange(position, position + n)
        self._outputs[:n] = outputs == "all"
        if outputs == "last":
            self._outputs[n - 1] = 1

    def close(self) -> None:
        self._tokens = self._positions = self._outputs = np.empty(0, np.int32)
        self._api.llama_batch_free(self.struct)


def parse_buffers(lines: Iterable[str]) -> ContextBuffers:
    """Read the sizes of a context's buffers out of llama.cpp's log lines, summed over backends and caches."""
    sums = {"kv": 0, "compute": 0, "output": 0}
    for line in lines:
        found = _BUFFER_LINE.search(line)
        if found:
            kind = found[1] if found[1] in sums else "kv"
            sums[kind] += round(float(found[2]) * (1 << 20))
    return ContextBuffers(sums["kv"], sums["compute"], sums["output"])
