"""`ModelDetails`: what the header of a model says of itself beyond its summary."""

from collections.abc import Mapping
from dataclasses import dataclass

from offload.gguf_header import ArraySummary, GgufHeader, MetadataValue

_SHOWN_ITEMS = 8
_GENERAL = "general."
_IN_THE_SUMMARY = frozenset({"general.name", "general.architecture", "general.file_type", "general.license"})


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """Empty texts and zeros where the header does not say."""

    gguf_version: int
    n_tensors: int
    dense_bytes: int
    """Of the tensors that every token needs."""
    licence: str
    tokenizer: str
    """Its kind and its way of splitting, as in gpt2/qwen2."""
    n_vocab: int
    has_chat_template: bool
    general: Mapping[str, str]
    """What else is said in general.*, shortened."""


def read_details(header: GgufHeader) -> ModelDetails:
    """Return what `header` says."""
    metadata = header.metadata
    kinds = (_text(metadata.get(f"tokenizer.ggml.{key}")) for key in ("model", "pre"))
    return ModelDetails(
        gguf_version=header.version,
        n_tensors=len(header.tensors),
        dense_bytes=header.dense_bytes,
        licence=_text(metadata.get("general.license")),
        tokenizer="/".join(filter(None, kinds)),
        n_vocab=_length(metadata.get("tokenizer.ggml.tokens")),
        has_chat_template=bool(metadata.get("tokenizer.chat_template")),
        general={
            key.removeprefix(_GENERAL): value_text(value)
            for key, value in metadata.items()
            if key.startswith(_GENERAL) and key not in _IN_THE_SUMMARY
        },
    )


def value_text(value: MetadataValue) -> str:
    """Return a value of the metadata for reading: of a long list only how long it is."""
    if isinstance(value, ArraySummary):
        return f"{value.length} of {value.type.name.lower()}"
    if isinstance(value, tuple):
        more = f" and {len(value) - _SHOWN_ITEMS} more" if len(value) > _SHOWN_ITEMS else ""
        return ", ".join(map(str, value[:_SHOWN_ITEMS])) + more
    return str(value)


def _text(value: MetadataValue | None) -> str:
    return value if isinstance(value, str) else ""


def _length(value: MetadataValue | None) -> int:
    if isinstance(value, ArraySummary):
        return value.length
    return len(value) if isinstance(value, tuple) else 0
