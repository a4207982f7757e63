"""`PackedStore`: experts as `offload pack` wrote them, one page-aligned record each."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Self

from offload.errors import StaleStoreError
from offload.experts.fingerprint import source_files
from offload.experts.gguf_store import tensors_by_layer
from offload.experts.key import ExpertKey
from offload.experts.packed_file import PackedFile, read_packed_file
from offload.experts.packed_format import Description
from offload.experts.store import Codec, LayerLayout, Span, WeightLayout
from offload.gguf_header import GgufHeader

SUFFIX = ".offload"
_PART_OF_SPLIT = re.compile(r"-[0-9]{5}-of-[0-9]{5}\Z")


def packed_path_for(model_path: Path) -> Path:
    """Return where the packed store of a model lies by default: beside it, one for all parts of a split model."""
    return model_path.with_name(_PART_OF_SPLIT.sub("", model_path.stem) + SUFFIX)


class PackedStore:
    """The experts of a packed store that was checked against its model. Immutable, so any thread may ask.

    The parts of one expert follow one another from page to page, so that one vectored read fills a slot, unless they
    are compressed.
    """

    def __init__(self, file: PackedFile) -> None:
        """Take `file` as it is; `open` checks that it belongs to a model."""
        self._path = file.path
        self._description = file.description
        self._layers = MappingProxyType({layer.layer: layer.layout() for layer in file.description.layers})
        self._offsets: list[int] = file.index["offset"].tolist()
        self._stored: list[int] = file.index["stored_bytes"].tolist()
        self._codecs = [Codec(value) for value in file.index["codec"].tolist()]
        self._first_entries: dict[int, int] = {}
        n_entries = 0
        for layer in file.description.layers:
            self._first_entries[layer.layer] = n_entries
            n_entries += layer.n_expert * len(layer.parts)

    @classmethod
    def open(cls, path: Path, header: GgufHeader, layout_name: str) -> Self:
        """Open the packed store `path` of the model `header`, for a CPU whose interleaved layout is `layout_name`.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is no packed store, or is malformed or truncated.
            StaleStoreError: it was made from another model, by another format version or for another CPU.
        """
        file = read_packed_file(path)
        check_fresh(file, header, layout_name)
        return cls(file)

    @property
    def files(self) -> tuple[Path, ...]:
        """The packed store's one file."""
        return (self._path,)

    @property
    def layers(self) -> Mapping[int, LayerLayout]:
        """The layers that have routed experts."""
        return self._layers

    @property
    def description(self) -> Description:
        """What the store says of itself."""
        return self._description

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        """Return the spans of one expert, in the order of its layer's parts. Raises KeyError for an unknown key."""
        layout = self._layers[key.layer]
        if not 0 <= key.expert < layout.n_expert:
            raise KeyError(key)
        first = self._first_entries[key.layer] + key.expert * len(layout.parts)
        return tuple(
            Span(0, self._offsets[entry], self._stored[entry], part.kind, part.n_bytes, self._codecs[entry])
            for entry, part in enumerate(layout.parts, first)
        )


def check_fresh(file: PackedFile, header: GgufHeader, layout_name: str) -> None:
    """Check that `file` was made from the model `header` for a CPU whose interleaved layout is `layout_name`.

    Raises:
        StaleStoreError: it was not.
        ModelFileError: a file of the model cannot be read.
    """
    description = file.description
    trouble = ""
    if not _same_shapes(description, header):
        trouble = "was made from a model of another shape"
    elif not _same_sources(description, header):
        trouble = f"was made from another {description.sources[0].name}, or from an earlier version of it"
    elif description.cpu_layout != layout_name and _is_interleaved(description):
        trouble = f"was made for a CPU with the layout {description.cpu_layout}, this one has {layout_name}"
    if trouble:
        raise StaleStoreError(
            f"The packed store {trouble}.", file=file.path, hint=f"Run: offload pack {header.files[0]}"
        )


def _is_interleaved(description: Description) -> bool:
    return any(part.layout is WeightLayout.INTERLEAVED for layer in description.layers for part in layer.parts)


def _same_shapes(description: Description, header: GgufHeader) -> bool:
    packed = [
        (layer.layer, layer.n_expert, part.kind.value, part.n_bytes, part.type, part.n_columns, part.n_rows)
        for layer in description.layers
        for part in layer.parts
    ]
    model = [
        (layer, tensor.n_expert, tensor.kind, tensor.expert_bytes, tensor.info.type, *tensor.info.shape[:2])
        for layer, tensors in tensors_by_layer(header).items()
        for tensor in tensors
    ]
    return packed == model and description.architecture == header.architecture


def _same_sources(description: Description, header: GgufHeader) -> bool:
    packed = [(source.n_bytes, source.fingerprint) for source in description.sources]
    return packed == [(source.n_bytes, source.fingerprint) for source in source_files(header)]
