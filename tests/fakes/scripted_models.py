"""What a scripted worker says of models that are not open, and of devices: steps, and a small model they tell of."""

from collections.abc import Mapping, Sequence
from typing import Any

from fakes.scripted_worker import Step, say

GIB = 1 << 30
MODEL: Mapping[str, Any] = {
    "path": "/models/m.gguf",
    "name": "scripted",
    "architecture": "qwen3moe",
    "quantization": "Q4_K_M",
    "n_files": 1,
    "file_bytes": 8 * GIB,
    "expert_bytes": 6 * GIB,
    "n_params": 14_900_000_000,
    "n_layer": 24,
    "n_expert": 128,
    "n_expert_used": 8,
    "context_length": 32768,
    "pack_state": "none",
    "packed_bytes": 0,
}


def _point(budget_bytes: int, resident_share: float) -> Mapping[str, Any]:
    rest = {"dense_bytes": GIB // 4, "kv_bytes": GIB // 8, "compute_bytes": GIB // 8, "reading_bytes": 1 << 20}
    others = {"runtime_bytes": GIB // 4, "staging_bytes": 1 << 20, **rest}
    slots = budget_bytes - sum(others.values())
    return {"budget_bytes": budget_bytes, **others, "slot_bytes": slots, "resident_share": resident_share}


OUTLINE: Mapping[str, Any] = {
    "n_ctx": 4096,
    "n_ubatch": 512,
    "floor_bytes": GIB,
    "whole_bytes": 9 * GIB,
    "budget_bytes": 6 * GIB,
    "total_memory_bytes": 16 * GIB,
    "available_memory_bytes": 8 * GIB,
    "points": [_point(GIB, 0.0625), _point(5 * GIB, 0.5), _point(9 * GIB, 1.0)],
}
OFFER: Mapping[str, Any] = {
    "name": "u/r:Q4_K_M",
    "repo": "u/r",
    "revision": "0123456789012345678901234567890123456789",
    "n_files": 1,
    "n_bytes": 4 * GIB,
    "there_bytes": 0,
    "free_bytes": 100 * GIB,
    "path": "/models/u/r/r-Q4_K_M.gguf",
    "is_there": False,
}
GPU: Mapping[str, Any] = {
    "name": "CUDA0",
    "description": "A scripted GPU",
    "total_bytes": 8 * GIB,
    "free_bytes": 7 * GIB,
}


def _entry(title: str, name: str, size_bytes: int, licence: str, n_expert: int) -> Mapping[str, Any]:
    return {
        "title": title,
        "name": name,
        "size_bytes": size_bytes,
        "licence": licence,
        "architecture": "qwen3moe",
        "n_expert": n_expert,
        "n_expert_used": 8,
        "total_params": 7 * size_bytes // 4,
        "active_params": size_bytes // 5,
        "is_exact": True,
        "source": "The repository's file list.",
    }


CATALOG: Sequence[Mapping[str, Any]] = (
    _entry("Little MoE", "some/Little-GGUF:Q4_K_M", 4 * GIB, "Apache-2.0", 64),
    _entry("Middle MoE", "other/Middle-GGUF:Q4_K_M", 18 * GIB, "MIT", 128),
    _entry("Great MoE", "other/Great-GGUF:Q4_K_M", 200 * GIB, "Community Licence", 256),
)
_ENDS = {"low_": 0.8, "": 1.0, "high_": 1.25}


def inspected(**fields: Any) -> Step:
    """Say what the file of inspection "$id" is: a small model, but for `fields`."""
    return say({"type": "inspected", "id": "$id", "model": {**MODEL, **fields}})


def planned(**fields: Any) -> Step:
    """Say the plans of request "$id": three points from 1 to 9 GiB, but for `fields`."""
    return say({"type": "planned", "id": "$id", "model": "/models/m.gguf", "outline": {**OUTLINE, **fields}})


def packing(fraction: float) -> Step:
    """Say how much of pack "$id" is done."""
    return say({"type": "packing", "id": "$id", "fraction": fraction})


def packed(path: str = "/models/m.offload") -> Step:
    """Say that pack "$id" is done."""
    return say({"type": "packed", "id": "$id", "path": path, "n_bytes": 6 << 30})


def pulling(done_bytes: int, total_bytes: int = 4 << 30, phase: str = "downloading") -> Step:
    """Say how far pull "$id" is."""
    return say({"type": "pulling", "id": "$id", "phase": phase, "done_bytes": done_bytes, "total_bytes": total_bytes})


def pulled(path: str = "/models/u/r/m.gguf") -> Step:
    """Say that pull "$id" is done."""
    return say({"type": "pulled", "id": "$id", "path": path})


def discarded(freed_bytes: int = 1 << 30) -> Step:
    """Say that discard "$id" is done."""
    return say({"type": "discarded", "id": "$id", "freed_bytes": freed_bytes})


def found(name: str, **fields: Any) -> Step:
    """Say what the hub has for find "$id": a model of 4 GiB, but for `fields`."""
    return say({"type": "found", "id": "$id", "model": {**OFFER, "name": name, "repo": name, **fields}})


def fitted(summary: Mapping[str, Any] | None = None, **fields: Any) -> Step:
    """Say how the model of fit "$id" will run: the plans of `planned`, but for `fields`, and the small model."""
    model, outline = {**MODEL, **(summary or {})}, {**OUTLINE, **fields}
    return say({"type": "fitted", "id": "$id", "model": model, "outline": outline})


def catalogued(*entries: Mapping[str, Any]) -> Step:
    """Say the catalogue: `entries`, else three models."""
    return say({"type": "catalog", "id": "$id", "entries": list(entries or CATALOG)})


def devices_listed(*devices: Mapping[str, Any]) -> Step:
    """Say which devices there are for request "$id"."""
    return say({"type": "devices", "id": "$id", "devices": list(devices)})


def serves_models(
    *,
    refuses: Sequence[str] = (),
    dies_of: Sequence[str] = (),
    packs: str = "at once",
    pulls: str = "at once",
    fits: str = "at once",
    speed: float = 0.0,
    **fields: Any,
) -> Step:
    """Answer all that is asked about models until the end: each is the one of its path, but for `fields`.

    Files and names in `refuses` are refused, those in `dies_of` kill the process. `packs` and `pulls`: "at once",
    "until stopped" or "until the disk is full"; a pull at once puts a file there. `fits`: "at once", "until stopped" or
    "refused". `speed`: tokens a second that are
    predicted at the first budget; 0: the prediction is refused.
    """
    how = {"packs": packs, "pulls": pulls, "fits": fits, "speed": speed}
    return {"do": "serve", "refuses": refuses, "dies_of": dies_of, "fields": fields, **how}


def points_with_speeds(speed: float) -> Sequence[Mapping[str, Any]]:
    """Return the points of the outline, `speed` the prediction of the first, and so much more for each further one."""
    return [
        {**point, **{f"{end}tokens_per_second": speed * (place + 1) * share for end, share in _ENDS.items()}}
        for place, point in enumerate(OUTLINE["points"])
    ]
