"""`inspect_model`: reads what a model file says of itself, and looks at what lies beside it."""

from collections import Counter
from contextlib import suppress
from math import prod
from pathlib import Path

from offload.demo_model import demo_model_path
from offload.errors import ModelFileError
from offload.experts.packed_store import packed_path_for
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.gguf_types import GUESSED_FILE_TYPE, FileType, GgmlType
from offload.model_summary import ModelSummary, PackState
from offload.store_choice import pack_state

MAX_NAME_CHARACTERS = 200
MAX_CONTEXT_LENGTH = (1 << 32) - 1
"""Source: n_ctx_train is a uint32_t in src/llama-hparams.h."""


def inspect_model(path: str | Path | None = None) -> ModelSummary:
    """Summarize the model that `path` belongs to: a GGUF, or any one part of a split one; None: the demo model.

    Reads headers alone, the architecture need not be one that llama.cpp knows. Only a packed store beside the model
    makes it touch more: 64 small samples of each file, which tell whether the store was made from it.

    Raises:
        ModelNotFoundError: there is no such file, or a part of the model is missing.
        ModelFileError: malformed, truncated, or no language model.
    """
    header = read_gguf_header(demo_model_path() if path is None else path)
    state = pack_state(header)
    has_store = state in (PackState.READY, PackState.STALE)
    name = header.metadata.get("general.name")
    return ModelSummary(
        path=str(header.files[0]),
        name=" ".join(name.split())[:MAX_NAME_CHARACTERS] if isinstance(name, str) else "",
        architecture=header.architecture,
        quantization=quantization(header),
        n_files=len(header.files),
        file_bytes=sum(_file_bytes(file) for file in header.files),
        expert_bytes=header.expert_bytes,
        n_params=sum(prod(info.shape) for info in header.tensors.values()),
        n_layer=header.n_layer,
        n_expert=header.n_expert,
        n_expert_used=header.n_expert_used,
        context_length=_context_length(header),
        pack_state=state,
        packed_bytes=_file_bytes(packed_path_for(header.files[0])) if has_store else 0,
    )


def quantization(header: GgufHeader) -> str:
    """Return the name of the file's type, or of the type most of its bytes have where that says nothing we know."""
    value = header.metadata.get("general.file_type")
    if type(value) is int:
        with suppress(ValueError):
            return FileType(value & ~GUESSED_FILE_TYPE).name
    n_bytes: Counter[GgmlType] = Counter()
    for info in header.tensors.values():
        n_bytes[info.type] += info.n_bytes
    return n_bytes.most_common(1)[0][0].name if n_bytes else ""


def _context_length(header: GgufHeader) -> int:
    length = header.count("context_length") or 0
    if length > MAX_CONTEXT_LENGTH:
        raise ModelFileError(f"The metadata says a context of {length} tokens.", file=header.files[0])
    return length


def _file_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise ModelFileError(f"could not be read: {error.strerror or error}.", file=file) from error
