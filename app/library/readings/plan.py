"""The plan card: what each part of a model takes at a budget, and what is to be said of that budget; pure."""

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum

from offload.protocol import PlanOutline, PlanPoint
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Words
from offload_app.library.readings.share import share_words
from offload_app.notice import Weight

_CONTEXT = "Library"
AUTO = "auto"
"""The budget of the settings where the machine decides."""
_NEARLY = 0.95
_LEAST_STEPS = 8
"""Into which the budgets of a small model are still divided."""
SPARE_BYTES = 24 << 20
"""What one process takes by itself differs from another's: 10 MB between the one that plans and the one that loads
(8.4 GB model, Linux, 2026-11)."""


class PlanPart(Enum):
    """What memory is for, in the order in which it is stacked: what grows with the budget comes last."""

    RUNTIME = "runtime"
    DENSE = "dense"
    CONTEXT = "context"
    COMPUTE = "compute"
    READING = "reading"
    STAGING = "staging"
    SLOTS = "slots"
    CACHE = "cache"
    """Experts behind the slots of a compute device."""


@dataclass(frozen=True, slots=True)
class PartSize:
    """One part of the plan."""

    part: PlanPart
    n_bytes: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BudgetMark:
    """A budget that is worth knowing, below the slider."""

    n_bytes: int
    text: str


@dataclass(frozen=True, slots=True)
class PlanNote:
    """A sentence about the budget."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class PlanReading:
    """What the plan card shows; `parts` are none where the budget is below the floor."""

    words: Words
    parts: tuple[PartSize, ...] = ()
    whole_bytes: int = 0
    """What the bar's full width stands for."""
    point: int = 0
    """Which of the outline's points it is."""
    share: str = ""
    """How many experts stay in memory."""
    notes: tuple[PlanNote, ...] = ()
    marks: tuple[BudgetMark, ...] = ()
    is_known: bool = True
    """False while there is no plan."""
    is_possible: bool = False
    """Whether the model can be loaded with the budget."""


def point_at(outline: PlanOutline, budget_bytes: int) -> int:
    """Return the number of the point at the budget or next below it; the first where there is none below."""
    budgets = [point.budget_bytes for point in outline.points]
    return max(0, bisect_right(budgets, budget_bytes) - 1)


def budget_of(outline: PlanOutline, point: int) -> int:
    """Return the budget that is chosen with a point: at the floor a little more, so that it holds in any process."""
    spare = min(SPARE_BYTES, (outline.whole_bytes - outline.floor_bytes) // _LEAST_STEPS)
    return max(outline.points[point].budget_bytes, outline.floor_bytes + spare)


def read_plan(outline: PlanOutline, chosen_bytes: int, language: Language, budget_text: str = AUTO) -> PlanReading:
    """Return the plan at `chosen_bytes`, or where that is 0 at the budget of the settings, which is `budget_text`."""
    tr = language.translate
    budget = chosen_bytes or outline.budget_bytes
    is_possible = budget >= outline.floor_bytes and bool(outline.points)
    index = point_at(outline, budget)
    parts = _parts(outline.points[index], language) if is_possible else ()
    title = tr(_CONTEXT, "Memory plan")
    value = total_words(parts, budget, language)
    share = share_words(outline.points[index], outline, language) if is_possible else ""
    notes = _notes(outline, budget, language)
    detail = _range(outline, language)
    named = ", ".join(f"{part.name} {part.text}" for part in parts if part.n_bytes)
    sentence = " ".join([f"{title}: {value}.", f"{named}." if named else "", share, *(note.text for note in notes)])
    return PlanReading(
        Words(title, value, detail, " ".join(sentence.split())),
        parts,
        max(outline.whole_bytes, outline.floor_bytes, 1),
        index,
        share,
        notes,
        _marks(outline, budget_text, language),
        is_possible=is_possible,
    )


def total_words(parts: tuple[PartSize, ...], budget: int, language: Language) -> str:
    """Return what is taken, and of how much where that is more."""
    total = sum(part.n_bytes for part in parts)
    if not parts or total > budget * _NEARLY:
        return language.size(budget)
    text = language.translate(_CONTEXT, "{total} of {budget}")
    return text.format(total=language.size(total), budget=language.size(budget))


def _parts(point: PlanPoint, language: Language) -> tuple[PartSize, ...]:
    tr = language.translate
    named = (
        (PlanPart.RUNTIME, point.runtime_bytes, tr("gauges", "Program")),
        (PlanPart.DENSE, point.dense_bytes, tr("gauges", "Dense")),
        (PlanPart.CONTEXT, point.kv_bytes, tr("gauges", "Context")),
        (PlanPart.COMPUTE, point.compute_bytes, tr("gauges", "Compute")),
        (PlanPart.READING, point.reading_bytes, tr(_CONTEXT, "Reading")),
        (PlanPart.STAGING, point.staging_bytes, tr("gauges", "Staging")),
        (PlanPart.SLOTS, point.slot_bytes, tr("gauges", "Experts")),
        (PlanPart.CACHE, point.host_bytes, tr("gauges", "Expert cache")),
    )
    return tuple(PartSize(part, n_bytes, name, language.size(n_bytes)) for part, n_bytes, name in named)


def _range(outline: PlanOutline, language: Language) -> str:
    tr = language.translate
    if outline.whole_bytes <= outline.floor_bytes:
        text = tr(_CONTEXT, "Needs {floor}.")
    else:
        text = tr(_CONTEXT, "Needs {floor} at least; with {whole} nothing is paged.")
        if outline.device is not None:
            text = tr(_CONTEXT, "Needs {floor} at least; with {whole} no expert is read twice.")
    return text.format(floor=language.size(outline.floor_bytes), whole=language.size(outline.whole_bytes))


def _notes(outline: PlanOutline, budget: int, language: Language) -> tuple[PlanNote, ...]:
    tr = language.translate
    sizes = {
        "budget": language.size(budget),
        "floor": language.size(outline.floor_bytes),
        "total": language.size(outline.total_memory_bytes),
        "free": language.size(outline.available_memory_bytes),
    }
    device = outline.device
    if device is not None and device.budget_bytes < device.floor_bytes:
        text = tr(
            _CONTEXT,
            "Of the memory of {device} the model needs {floor} at least, and its budget in the preferences comes to"
            " {budget}: raise it, choose a smaller context, or CPU only.",
        )
        text = text.replace("{device}", device.name).replace("{floor}", language.size(device.floor_bytes))
        return (PlanNote(Weight.ERROR, text.replace("{budget}", language.size(device.budget_bytes))),)
    needed = min(budget, max(outline.whole_bytes, outline.floor_bytes))
    sizes["needed"] = language.size(needed)
    if 0 < outline.total_memory_bytes < outline.floor_bytes:
        text = tr(
            _CONTEXT,
            "The model needs {floor} at least, and this machine has {total}:"
            " choose a smaller context, or a file of a smaller quantization.",
        )
        return (PlanNote(Weight.ERROR, text.format(**sizes)),)
    if budget < outline.floor_bytes:
        text = tr(
            _CONTEXT,
            "The model needs {floor} at least, and the budget is {budget}:"
            " choose a smaller context, or a file of a smaller quantization.",
        )
        return (PlanNote(Weight.ERROR, text.format(**sizes)),)
    if 0 < outline.total_memory_bytes < needed:
        text = tr(_CONTEXT, "{needed} is more than this machine has: {total}. Choose less.")
        return (PlanNote(Weight.ERROR, text.format(**sizes)),)
    if outline.available_memory_bytes < needed:
        text = tr(
            _CONTEXT, "{needed} is more than is free now: {free} of {total}. Close other programs, or choose less."
        )
        return (PlanNote(Weight.WARNING, text.format(**sizes)),)
    return ()


def _marks(outline: PlanOutline, budget_text: str, language: Language) -> tuple[BudgetMark, ...]:
    tr = language.translate
    named = (
        (
            outline.budget_bytes,
            tr(_CONTEXT, "automatic {size}") if budget_text == AUTO else tr(_CONTEXT, "preferences {size}"),
        ),
        (outline.total_memory_bytes, tr(_CONTEXT, "this machine {size}")),
    )
    return tuple(
        BudgetMark(n_bytes, text.format(size=language.size(n_bytes)))
        for n_bytes, text in named
        if 0 < n_bytes <= outline.whole_bytes
    )
