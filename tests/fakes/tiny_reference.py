"""Plain llama.cpp on a model file: its logits and its routing, with nothing of offload in the process's way.

Thread rule: one run at a time. Weights are read into memory without extra buffer types (some machines crash in their
AMX kernels).
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from llama_cpp import llama_cpp
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Routes = NDArray[np.int32]

_ROUTING_NODE = b"ffn_moe_argsort-"


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """What one decode call gave: logits [n_token, n_vocab]; expert ids per MoE layer, [n_token, n_expert_used]."""

    logits: Logits
    routes: dict[int, Routes]


@dataclass(slots=True)
class _RouteRecorder:
    """Copies the sorted expert ids of every MoE layer out of the graph; ids are sorted by score, best first."""

    library: ctypes.CDLL
    n_expert: int
    routes: dict[int, Routes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # const char * ggml_get_name(const struct ggml_tensor * tensor)
        self.library.ggml_get_name.argtypes = [ctypes.c_void_p]
        self.library.ggml_get_name.restype = ctypes.c_char_p
        # size_t ggml_nbytes(const struct ggml_tensor * tensor)
        self.library.ggml_nbytes.argtypes = [ctypes.c_void_p]
        self.library.ggml_nbytes.restype = ctypes.c_size_t
        # void ggml_backend_tensor_get(const struct ggml_tensor * tensor, void * data, size_t offset, size_t size)
        self.library.ggml_backend_tensor_get.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_size_t,
        ]
        self.library.ggml_backend_tensor_get.restype = None

    def observe(self, tensor: int, asks_whether_wanted: bool, _user_data: object) -> bool:
        name: bytes = self.library.ggml_get_name(tensor)
        if not name.startswith(_ROUTING_NODE):
            return not asks_whether_wanted
        if not asks_whether_wanted:
            n_bytes = self.library.ggml_nbytes(tensor)
            ids = np.empty(n_bytes // 4, np.int32)
            self.library.ggml_backend_tensor_get(tensor, ids.ctypes.data, 0, n_bytes)
            self.routes[int(name.removeprefix(_ROUTING_NODE))] = ids.reshape(-1, self.n_expert)
        return True


class PlainLlama:
    """A loaded model and one context of it. Made by plain_llama()."""

    def __init__(self, model: int, context: int, recorder: _RouteRecorder, n_expert_used: int) -> None:
        self._model = model
        self._context = context
        self._recorder = recorder
        self._n_expert_used = n_expert_used
        self._position = 0

    @property
    def vocabulary(self) -> int:
        """The llama_vocab pointer."""
        pointer: int = llama_cpp.llama_model_get_vocab(self._model)
        return pointer

    @property
    def n_vocab(self) -> int:
        """The number of tokens."""
        return int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))

    def metadata(self, key: str) -> str | None:
        """Return a metadata value as text, None where the file has none."""
        return _metadata(self._model, key)

    def tokenize(self, text: str) -> list[int]:
        """Encode text; specials written in it are recognised."""
        encoded = text.encode()
        ids = (ctypes.c_int32 * (len(encoded) + 8))()
        n = llama_cpp.llama_tokenize(self.vocabulary, encoded, len(encoded), ids, len(ids), False, True)
        return list(ids[:n])

    def piece(self, token: int) -> bytes:
        """Return the bytes of one token, of a special token its spelling."""
        buffer = ctypes.create_string_buffer(64)
        length = llama_cpp.llama_token_to_piece(self.vocabulary, token, buffer, len(buffer), 0, True)
        return buffer.raw[:length]

    def ends_generation(self, token: int) -> bool:
        """Tell whether llama.cpp takes the token as the end of generation."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocabulary, token))

    def decode(self, tokens: Sequence[int]) -> DecodedBatch:
        """Decode the tokens as one batch at the next positions, with logits for each."""
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for i, token in enumerate(tokens):
                batch.token[i] = token
                batch.pos[i] = self._position + i
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = 0
                batch.logits[i] = 1
            self._recorder.routes = {}
            status = llama_cpp.llama_decode(self._context, batch)
        finally:
            llama_cpp.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")
        self._position += len(tokens)
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits(self._context), (len(tokens), self.n_vocab)).copy()
        routes = {layer: ids[:, : self._n_expert_used] for layer, ids in self._recorder.routes.items()}
        return DecodedBatch(logits, routes)


@contextmanager
def plain_llama(
    path: Path, *, n_ctx: int = 64, load_mode: int = llama_cpp.LLAMA_LOAD_MODE_NONE
) -> Iterator[PlainLlama]:
    """Load the model in plain llama.cpp on two CPU threads.

    Raises:
        RuntimeError: llama.cpp refuses the file or the context.
    """
    llama_cpp.llama_backend_init()
    model_params = llama_cpp.llama_model_default_params()
    model_params.load_mode = load_mode
    model_params.use_extra_bufts = False
    model_params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
    if not model:
        raise RuntimeError(f"llama.cpp does not load {path}")
    try:
        with _context(model, n_ctx) as run:
            yield run
    finally:
        llama_cpp.llama_model_free(model)


@contextmanager
def _context(model: int, n_ctx: int) -> Iterator[PlainLlama]:
    architecture = _metadata(model, "general.architecture")
    n_expert = int(_metadata(model, f"{architecture}.expert_count") or 0)
    n_expert_used = int(_metadata(model, f"{architecture}.expert_used_count") or 0)
    recorder = _RouteRecorder(llama_cpp._lib, n_expert)
    observe = llama_cpp.ggml_backend_sched_eval_callback(recorder.observe)
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = n_ctx
    params.n_threads = params.n_threads_batch = 2
    params.cb_eval = observe
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        raise RuntimeError("llama.cpp makes no context")
    try:
        yield PlainLlama(model, context, recorder, n_expert_used)
    finally:
        llama_cpp.llama_free(context)


def _metadata(model: int, key: str) -> str | None:
    buffer = ctypes.create_string_buffer(4096)
    length = llama_cpp.llama_model_meta_val_str(model, key.encode(), buffer, len(buffer))
    return buffer.value.decode() if length >= 0 else None
