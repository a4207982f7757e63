"""The plan of a compute device's memory: what each part of a model takes there, and the least; pure."""

from offload.protocol import DevicePlan, PlanOutline
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Words
from offload_app.library.readings.plan import PartSize, PlanPart, PlanReading, total_words

_CONTEXT = "Library"


def read_device_plan(outline: PlanOutline, language: Language) -> PlanReading | None:
    """Return what lies in the device's memory, at any budget of the process's; None where the CPU computes alone."""
    device = outline.device
    if device is None:
        return None
    is_possible = device.budget_bytes >= device.floor_bytes
    parts = _parts(device, language) if is_possible else ()
    title = language.translate("gauges", "Memory of {device}").format(device=device.name)
    value = total_words(parts, device.budget_bytes, language)
    detail = language.translate(_CONTEXT, "Needs {floor} at least.").format(floor=language.size(device.floor_bytes))
    named = ", ".join(f"{part.name} {part.text}" for part in parts if part.n_bytes)
    sentence = f"{title}: {value}. {named}. {detail}" if named else f"{title}: {value}. {detail}"
    whole_bytes = max(device.budget_bytes, device.floor_bytes, 1)
    return PlanReading(Words(title, value, detail, sentence), parts, whole_bytes, is_possible=is_possible)


def _parts(device: DevicePlan, language: Language) -> tuple[PartSize, ...]:
    tr = language.translate
    named = (
        (PlanPart.DENSE, device.dense_bytes, tr("gauges", "Dense")),
        (PlanPart.CONTEXT, device.kv_bytes, tr("gauges", "Context")),
        (PlanPart.COMPUTE, device.compute_bytes, tr("gauges", "Compute")),
        (PlanPart.STAGING, device.staging_bytes, tr("gauges", "Staging")),
        (PlanPart.SLOTS, device.slot_bytes, tr("gauges", "Experts")),
    )
    return tuple(PartSize(part, n_bytes, name, language.size(n_bytes)) for part, n_bytes, name in named)
