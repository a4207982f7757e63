"""`Receipt`: what one answer took, kept with it as versioned JSON."""

import dataclasses
import json
from dataclasses import dataclass

from offload.protocol import Done, FinishReason, GenerationParams, Loaded, Stats
from offload.protocol_lines import ProtocolError
from offload_app.sampling import settings_from_json, settings_to_json

RECEIPT_VERSION = 1
"""Raised where a field is renamed or removed, or means something else."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one answer took; hits, bytes and stall are of this answer alone."""

    model: str
    """File of the model."""
    store: str
    """Where experts were read from."""
    n_ctx: int
    n_prompt: int
    """Prompt tokens computed."""
    n_cached: int
    """Prompt tokens found in the context."""
    n_generated: int
    prompt_seconds: float
    decode_seconds: float
    first_token_seconds: float
    hits: int
    misses: int
    bytes_read: int
    bytes_prefetched: int
    stall_seconds: float
    peak_bytes: int
    """Of the process since it was started, as of the end of the answer."""
    budget_bytes: int
    finish_reason: FinishReason
    settings: GenerationParams

    @property
    def tokens_per_second(self) -> float:
        """Decoded tokens a second; 0.0 where there were none."""
        return self.n_generated / self.decode_seconds if self.decode_seconds else 0.0

    @property
    def hit_rate(self) -> float | None:
        """Share of demanded experts found in a slot; None where none was demanded."""
        total = self.hits + self.misses
        return self.hits / total if total else None


def receipt_of(done: Done, loaded: Loaded, settings: GenerationParams, before: Stats | None = None) -> Receipt:
    """Return the receipt of an answer.

    `before` are the statistics when it was asked for, of the same loading of the model: the runtime counts from there.
    None: it was the first answer.
    """
    speed, paging, memory = done.stats.speed, done.stats.paging, done.stats.memory
    earlier = (before or Stats()).paging
    return Receipt(
        model=loaded.model,
        store=loaded.store,
        n_ctx=loaded.n_ctx,
        n_prompt=speed.n_prompt,
        n_cached=speed.n_cached,
        n_generated=speed.n_generated,
        prompt_seconds=speed.prompt_seconds,
        decode_seconds=speed.decode_seconds,
        first_token_seconds=speed.first_token_seconds,
        hits=max(paging.hits - earlier.hits, 0),
        misses=max(paging.misses - earlier.misses, 0),
        bytes_read=max(paging.bytes_read - earlier.bytes_read, 0),
        bytes_prefetched=max(paging.bytes_prefetched - earlier.bytes_prefetched, 0),
        stall_seconds=max(paging.stall_seconds - earlier.stall_seconds, 0.0),
        peak_bytes=memory.peak_bytes,
        budget_bytes=memory.budget_bytes,
        finish_reason=done.finish_reason,
        settings=settings,
    )


def dump_receipt(receipt: Receipt) -> str:
    """Return the JSON text that is kept with a message.

    Raises:
        ValueError: a number is not finite.
    """
    plain = {f.name: getattr(receipt, f.name) for f in dataclasses.fields(receipt)}
    plain["finish_reason"] = receipt.finish_reason.value
    plain["settings"] = settings_to_json(receipt.settings)
    return json.dumps({"version": RECEIPT_VERSION, **plain}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read_receipt(text: str) -> Receipt | None:
    """Return the receipt of a message; None where there is none, or none that this release can read."""
    try:
        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.pop("version", None) != RECEIPT_VERSION:
            return None
        return _receipt_from(fields)
    except (ValueError, KeyError, ProtocolError):
        return None


def _receipt_from(fields: dict[str, object]) -> Receipt:
    """Return the receipt of exactly these fields.

    Raises:
        KeyError: one is missing.
        ValueError: one is of a wrong type.
        ProtocolError: the settings are none.
    """
    values: dict[str, object] = {
        "finish_reason": FinishReason(fields.pop("finish_reason")),
        "settings": settings_from_json(fields.pop("settings")),
    }
    for field in dataclasses.fields(Receipt):
        if field.name not in values:
            values[field.name] = _scalar(field.type, fields[field.name], field.name)
    return Receipt(**values)  # type: ignore[arg-type]  # each was checked against its field's type


def _scalar(kind: object, value: object, name: str) -> object:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value
