"""How many experts a plan keeps in memory, as a sentence; pure."""

from offload.protocol import PlanOutline, PlanPoint
from offload_app.gauges.readings.language import Language

_CONTEXT = "Library"


def share_words(point: PlanPoint, outline: PlanOutline, language: Language) -> str:
    """Return what is said of the experts at `point` of `outline`; with a compute device, of both memories."""
    tr, share = language.translate, point.resident_share
    if outline.device is not None:
        text = _of_device(share, _cached_share(point, outline), language)
        return text.replace("{device}", outline.device.name)
    if _is_dense(point, outline):
        return tr(_CONTEXT, "The model has no experts to page: all of it stays in memory.")
    if share >= 1:
        return tr(_CONTEXT, "All experts stay in memory: nothing is read while it answers.")
    text = tr(_CONTEXT, "{share} of the experts stay in memory, the others are read as they are needed.")
    return text.format(share=language.percent(share))


def _of_device(share: float, cached: float, language: Language) -> str:
    tr = language.translate
    if share >= 1:
        return tr(_CONTEXT, "All of the model stays in the memory of {device}: nothing is read while it answers.")
    if cached >= 1:
        text = tr(_CONTEXT, "{share} of the experts stay in the memory of {device}, and RAM has room for all of them.")
    else:
        text = tr(
            _CONTEXT,
            "{share} of the experts stay in the memory of {device}, RAM has room for {cached};"
            " the others are read as they are needed.",
        )
    return text.replace("{share}", language.percent(share)).replace("{cached}", language.percent(cached))


def _cached_share(point: PlanPoint, outline: PlanOutline) -> float:
    """Return the share of the experts that RAM has room for; at the outline's last point that is all of them."""
    return min(1.0, point.host_bytes / max(1, outline.points[-1].host_bytes))


def _is_dense(point: PlanPoint, outline: PlanOutline) -> bool:
    return outline.whole_bytes <= outline.floor_bytes and point.resident_share >= 1
