"""Model summaries, plans and shelved models for tests: one moderate model, and what differs from it."""

from dataclasses import replace
from typing import Any

from fakes.scripted_models import GIB, MODEL, OUTLINE
from offload.protocol import DevicePlan, ModelSummary, PackState, PlanOutline, PlanPoint
from offload_app.library.shelf import ShelvedModel
from offload_app.model_folder import FoundModel

PATH = "/models/qwen3-30b-a3b-Q4_K_M.gguf"


def summary(**fields: Any) -> ModelSummary:
    """Return the summary of a model, but for `fields`."""
    given = {**MODEL, "path": PATH, **fields}
    return ModelSummary(**{**given, "pack_state": PackState(given["pack_state"])})


def outline(**fields: Any) -> PlanOutline:
    """Return three plans at 1, 5 and 9 GiB on a machine of 16, but for `fields`."""
    given = {**OUTLINE, "points": tuple(PlanPoint(**point) for point in OUTLINE["points"]), **fields}
    return PlanOutline(**given)


def device_outline(**fields: Any) -> PlanOutline:
    """Return those plans with a quarter of the experts on a GPU of 8 GiB, and the rest of the budget a cache."""
    moved = (replace(p, host_bytes=p.budget_bytes - GIB, slot_bytes=0, resident_share=0.25) for p in outline().points)
    device = DevicePlan("CUDA0", 8 * GIB, 3 * GIB, GIB, GIB, GIB // 2, GIB // 2, 4 * GIB)
    return outline(**{"points": tuple(moved), "device": device, **fields})


def shelved(**fields: Any) -> ShelvedModel:
    """Return a model that was found and looked at, but for `fields`."""
    given: dict[str, Any] = {
        "key": PATH,
        "found": FoundModel(PATH, 8 * GIB, 1, (1, 2)),
        "summary": summary(),
        "seen_stamp": (1, 2),
    }
    return ShelvedModel(**{**given, **fields})
