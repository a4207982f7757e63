"""Which store a model's experts are read from, and making and checking packed ones."""

from collections.abc import Callable
from pathlib import Path

from offload.config import StoreChoice
from offload.demo_model import demo_model_path
from offload.errors import ModelFileError, UsageError
from offload.experts import packing
from offload.experts.gguf_store import GgufStore
from offload.experts.key import ExpertKey
from offload.experts.packed_store import PackedStore, packed_path_for
from offload.experts.store import ExpertStore, WeightLayout
from offload.experts.verifying import verify_packed
from offload.ggml.interleave import Interleaver
from offload.gguf_header import GgufHeader, read_gguf_header
from offload.llama.library import load
from offload.model_summary import PackState


def choose_store(header: GgufHeader, choice: StoreChoice) -> ExpertStore | None:
    """Return the packed store beside the model where there is one, else the GGUF itself; None for a dense model.

    Raises:
        StaleStoreError: the packed store was made from another model or for another CPU; it is not trusted, nor
            silently passed over.
        ModelFileError: the packed store is malformed.
    """
    if not header.expert_tensors:
        return None
    packed = packed_path_for(header.files[0])
    if choice is StoreChoice.AUTO and packed.is_file():
        load()
        interleaver = Interleaver()
        try:
            return PackedStore.open(packed, header, interleaver.layout_name)
        finally:
            interleaver.close()
    return GgufStore(header)


def pack_state(header: GgufHeader) -> PackState:
    """Return what `choose_store` would find beside the model; a packed store that is of no use is no error.

    Raises:
        ModelFileError: the model's own tensors contradict each other, or it cannot be read.
    """
    try:
        store = choose_store(header, StoreChoice.AUTO)
    except ModelFileError as error:
        if error.file != packed_path_for(header.files[0]):
            raise
        return PackState.STALE
    if store is None:
        return PackState.DENSE
    return PackState.READY if isinstance(store, PackedStore) else PackState.NONE


def pack_model(
    model: Path | None,
    output: Path | None = None,
    *,
    layout: str = "interleaved",
    force: bool = False,
    on_progress: Callable[[int, int], bool] | None = None,
) -> Path:
    """Write the packed store of a model, beside it or to `output`; return its path.

    `layout`: `interleaved` for this CPU's kernels, or `plain`. `on_progress(done_bytes, total_bytes)` stops by
    returning False. An existing file is replaced only with `force`, and only by a whole one.

    Raises:
        UsageError: a dense model, an unknown layout, or the file exists.
        DiskFullError: no room; nothing is left behind.
        CancelledError: `on_progress` returned False; nothing is left behind.
    """
    load()
    header = read_gguf_header(demo_model_path() if model is None else model)
    if layout not in {member.value for member in WeightLayout}:
        raise UsageError(f"There is no layout {layout!r}.", hint="Choose interleaved or plain.")
    destination = packed_path_for(header.files[0]) if output is None else output
    if destination.exists() and not force:
        raise UsageError(f"{destination} exists already.", hint="Use --force to replace it, or -o to write elsewhere.")
    interleaver = Interleaver()
    try:
        result = packing.pack_model(
            header, destination, interleaver=interleaver, layout=WeightLayout(layout), on_progress=on_progress
        )
    finally:
        interleaver.close()
    return result.path


def verify_store(path: Path, *, on_progress: Callable[[int, int], bool] | None = None) -> list[ExpertKey]:
    """Check every record of a packed store; return the experts whose bytes are damaged.

    Raises:
        ModelNotFoundError: no such file.
        ModelFileError: it is no packed store, or its header is damaged.
        CancelledError: `on_progress` returned False.
    """
    return verify_packed(path, on_progress=on_progress)
