"""An open model: llama.cpp's weights and metadata of one GGUF file.

Invariants:
1. What llama.cpp keeps pointers to (the buffer overrides, the progress callback) lives as long as the model.
2. No exception crosses C: what `on_progress` raises is raised again once llama.cpp has returned.
3. A model closes the contexts made from it before itself.

Thread rule: one thread at a time.
"""

import ctypes
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from offload.errors import CancelledError, ModelFileError, ModelNotFoundError, UsageError
from offload.llama.library import CapturedLog, captured_log, error_cause, load
from offload.llama.vocab import Vocab

_LOAD_MODE_NONE = 0
_LOAD_MODE_DIRECT_IO = 4
_LAZY_MODE_OFF = 0
_SPLIT_MODE_NONE = 0
_ALL_LAYERS = 999
"""As `n_gpu_layers`: llama.cpp takes as many as there are, the output layer among them."""


class BufferOverride(NamedTuple):
    """Tensors whose name matches `pattern` (a regular expression) go to this buffer type."""

    pattern: str
    buffer_type: int
    """Address of a `ggml_backend_buffer_type`."""


class _TensorBufferOverride(ctypes.Structure):
    """struct llama_model_tensor_buft_override { const char * pattern; ggml_backend_buffer_type_t buft; }"""

    _fields_: ClassVar = [("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p)]


class _Closeable(Protocol):
    def close(self) -> None: ...


class LlamaModel:
    """One model file opened by llama.cpp. Made by `open`; a context manager."""

    def __init__(self, handle: int, path: Path, kept_alive: tuple[object, ...]) -> None:
        self._api = load()
        self._handle: int | None = handle
        self._kept_alive = kept_alive
        self.opening_context: Callable[[], AbstractContextManager[None]] = nullcontext
        """Entered while a context on this model is made."""
        self.is_offloaded = False
        """Whether its layers, and with them caches and compute, are on a device that is not the CPU."""
        self._dependents: weakref.WeakSet[_Closeable] = weakref.WeakSet()
        self.path = path
        self._vocab = Vocab(int(self._api.llama_model_get_vocab(handle)))

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        overrides: Sequence[BufferOverride] = (),
        direct_io: bool = True,
        on_progress: Callable[[float], bool] | None = None,
        vocab_only: bool = False,
        device: int | None = None,
    ) -> Self:
        """Load `path` (of a split model: its first file) into memory, never mapped.

        `direct_io` reads past the page cache where the system can. `on_progress` gets the share loaded, 0.0 to 1.0,
        and stops the load by returning False. `vocab_only` loads no weights. All layers go to the ggml device at the
        address `device`; None: they stay with the CPU.

        Raises:
            ModelNotFoundError: no file there.
            ModelFileError: llama.cpp refuses the file; the message carries llama.cpp's own reason.
            CancelledError: `on_progress` returned False.
        """
        if not path.is_file():
            raise ModelNotFoundError(f"There is no model file at {path}.", path=path)
        api = load()
        progress = _Progress(on_progress)
        callback = api.llama_progress_callback(progress)
        override_array = _override_array(overrides)
        params = api.llama_model_default_params()
        # The list is given even where it is empty: without one llama.cpp makes a backend for every GPU there is.
        devices = (ctypes.c_void_p * 2)(device, None)
        params.devices = ctypes.cast(devices, ctypes.c_void_p)
        params.n_gpu_layers = _ALL_LAYERS if device is not None else 0
        params.split_mode = _SPLIT_MODE_NONE if device is not None else params.split_mode
        params.load_mode = _LOAD_MODE_DIRECT_IO if direct_io else _LOAD_MODE_NONE
        params.lazy_mode = _LAZY_MODE_OFF  # lazy tensors would be mapped
        params.use_extra_bufts = False
        params.vocab_only = vocab_only
        params.progress_callback = callback
        if overrides:
            params.tensor_buft_overrides = ctypes.cast(override_array, ctypes.c_void_p)
        with captured_log() as log:
            handle = api.llama_model_load_from_file(str(path).encode("utf-8", "surrogateescape"), params)
        if progress.error is not None or not handle:
            if handle:
                api.llama_model_free(handle)
            raise progress.error or _load_failure(path, log)
        model = cls(int(handle), path, (callback, override_array))
        model.is_offloaded = device is not None
        return model

    @property
    def handle(self) -> int:
        """Address of llama.cpp's `llama_model`.

        Raises:
            UsageError: the model was closed.
        """
        if self._handle is None:
            raise UsageError(f"The model {self.path} is closed.")
        return self._handle

    @property
    def vocab(self) -> Vocab:
        """The model's vocabulary.

        Raises:
            UsageError: the model was closed.
        """
        _ = self.handle  # refuses when closed: llama.cpp would follow a dangling pointer
        return self._vocab

    @property
    def n_vocab(self) -> int:
        """Size of the vocabulary."""
        return self.vocab.n_tokens

    @cached_property
    def n_ctx_train(self) -> int:
        """Context the model was trained with, in tokens."""
        return int(self._api.llama_model_n_ctx_train(self.handle))

    @cached_property
    def n_embd(self) -> int:
        """Width of the hidden state."""
        return int(self._api.llama_model_n_embd(self.handle))

    @cached_property
    def n_layer(self) -> int:
        """Number of layers."""
        return int(self._api.llama_model_n_layer(self.handle))

    @cached_property
    def description(self) -> str:
        """llama.cpp's one line about architecture, size and quantization."""
        return _text(partial(self._api.llama_model_desc, self.handle))

    @cached_property
    def has_encoder(self) -> bool:
        """Whether the model needs an encoder pass; such models are not generated with here."""
        return bool(self._api.llama_model_has_encoder(self.handle))

    @cached_property
    def is_recurrent(self) -> bool:
        """Whether the model keeps a recurrent state, in all or in some of its layers."""
        handle = self.handle
        return bool(self._api.llama_model_is_recurrent(handle) or self._api.llama_model_is_hybrid(handle))

    @cached_property
    def chat_template(self) -> str | None:
        """The Jinja template of the file, if it has one."""
        template = self._api.llama_model_chat_template(self.handle, None)
        return template.decode("utf-8", "replace") if template else None

    def metadata(self) -> dict[str, str]:
        """Return the file's keys and values as llama.cpp prints them (arrays shortened)."""
        api, handle = self._api, self.handle
        count = int(api.llama_model_meta_count(handle))
        keys = [_text(partial(api.llama_model_meta_key_by_index, handle, index)) for index in range(count)]
        values = [_text(partial(api.llama_model_meta_val_str_by_index, handle, index)) for index in range(count)]
        return dict(zip(keys, values, strict=True))

    def register(self, dependent: _Closeable) -> None:
        """Note something that must be closed before the model is."""
        self._dependents.add(dependent)

    def close(self) -> None:
        """Close the contexts made from the model, then free it; a second call does nothing."""
        if self._handle is None:
            return
        for dependent in list(self._dependents):
            dependent.close()
        handle, self._handle = self._handle, None
        self._api.llama_model_free(handle)
        self._kept_alive = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Progress:
    """The load's progress callback: keeps what `on_progress` raises, or that it said stop."""

    def __init__(self, on_progress: Callable[[float], bool] | None) -> None:
        self._on_progress = on_progress
        self.error: BaseException | None = None

    def __call__(self, progress: float, _user_data: object) -> bool:
        if self._on_progress is None:
            return True
        try:
            if self._on_progress(progress):
                return True
            self.error = CancelledError("Loading the model was stopped.")
        except BaseException as error:
            self.error = error
        return False


def _override_array(overrides: Sequence[BufferOverride]) -> ctypes.Array[_TensorBufferOverride]:
    """Build llama.cpp's list of overrides, ended by an entry without a pattern."""
    entries = [_TensorBufferOverride(override.pattern.encode(), override.buffer_type) for override in overrides]
    return (_TensorBufferOverride * (len(entries) + 1))(*entries)


def _load_failure(path: Path, log: CapturedLog) -> ModelFileError:
    cause = error_cause(log).removeprefix("error loading model: ") or "it gave no reason"
    return ModelFileError(
        f"llama.cpp cannot load this model: {cause}.", file=path, hint="Download the file again, or take another one."
    )


def _text(write: Callable[[Any, int], int]) -> str:
    """Call a snprintf-like C function with a buffer that is large enough."""
    size = 128
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = int(write(buffer, size))
        if length < size:
            return buffer.value.decode("utf-8", "replace")
        size = length + 1
