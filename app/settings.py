"""`Settings`: what a person has chosen for the application, and its JSON; values only.

Reading never fails: a value that is wrong or unknown falls back alone, and its name is told.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from offload.protocol import OnMiss
from offload_app.model_choices import ModelChoices, choices_from_json, choices_to_json, is_keepable

_BUDGET = re.compile(
    # More than nothing; a share of at most all.
    r"auto|(?=[0-9.]*[1-9])([0-9]{1,19}(\.[0-9]{1,9})?\s*([KMGT](i?B)?|B)?|([0-9]{1,2}(\.[0-9]{1,9})?|100)\s*%)",
    re.IGNORECASE | re.ASCII,
)
MOST_THREADS = 1024
LONGEST_DEVICE = 64
MOST_OTHER_MODELS = 100
SMALLEST_FONT_POINTS, LARGEST_FONT_POINTS = 7, 32


class ThemeChoice(Enum):
    """Which theme a person wants."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is kept between two starts but the conversations."""

    models_folder: str = ""
    """Where models are looked for; empty: the folder the system gives for data."""
    model: str = ""
    """Path of the model that was open last; empty: the demo model."""
    other_models: tuple[str, ...] = ()
    """Paths of models outside the folder that were opened, the newest last."""
    choices: ModelChoices = field(default_factory=ModelChoices)
    """Budget and context of single models."""
    budget: str = "auto"
    """Memory of the whole model process, as the command line takes it: `auto`, `6G`, `60%`."""
    threads: int = 0
    """Compute threads; 0: the physical cores."""
    device: str = "auto"
    """What computes, as the command line takes it: `auto`, `cpu`, or a device by its name."""
    vram: str = "auto"
    """Of that device's memory, what may be taken, as `budget` says of the process's."""
    on_miss: OnMiss = OnMiss.COPY
    """What becomes of an expert that is in RAM and not on the device."""
    theme: ThemeChoice = ThemeChoice.SYSTEM
    font_points: int = 0
    """Size of the text; 0: the system's."""
    compact_gauges: bool = False
    show_list: bool = True
    show_gauges: bool = True
    are_gauges_explained: bool = False
    """Whether the card of the first run was put away."""
    geometry: str = ""
    """Place and size of the window, as Qt saves them, in base 64."""
    panes: str = ""
    """Widths of the panes, likewise."""


@dataclass(frozen=True, slots=True)
class SettingsRead:
    """Settings of a text, and the names of what in it was not understood; `is_damaged`: none of it was."""

    settings: Settings = Settings()
    unread: tuple[str, ...] = ()
    is_damaged: bool = False


def is_budget(text: str) -> bool:
    """Return whether `text` is a memory budget as the command line takes it."""
    return _BUDGET.fullmatch(text.strip()) is not None


def is_device(text: str) -> bool:
    """Return whether `text` may name what computes; whether there is such a device the worker knows."""
    return bool(text.strip()) and text.isprintable() and len(text) <= LONGEST_DEVICE


def with_other_model(settings: Settings, path: str) -> tuple[str, ...]:
    """Return the other models of `settings` with `path` as the newest; without it where no file can hold its name."""
    others = tuple(other for other in settings.other_models if other != path)
    return (*others, path)[-MOST_OTHER_MODELS:] if is_keepable(path) else others


def settings_to_json(settings: Settings) -> str:
    """Return `settings` as JSON text."""
    fields = {field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"


def settings_from_json(text: str) -> SettingsRead:
    """Return the settings that `text` holds; what it lacks, and what is wrong in it, has its default."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return SettingsRead(is_damaged=True)
    if not isinstance(fields, dict):
        return SettingsRead(is_damaged=True)
    right: dict[str, object] = {}
    unread = []
    for name, value in fields.items():
        if name == "choices":
            right[name], is_understood = choices_from_json(value)
        elif name == "other_models":
            right[name], is_understood = _paths(value)
        elif is_understood := name in _IS_RIGHT and _IS_RIGHT[name](value):
            right[name] = _ENUMS[name](value) if name in _ENUMS else value
        if not is_understood:
            unread.append(name)
    return SettingsRead(Settings(**right), tuple(unread))  # type: ignore[arg-type]  # each was checked by its name


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case ModelChoices():
            return choices_to_json(value)
    return value


def _paths(value: object) -> tuple[tuple[str, ...], bool]:
    """Return the paths that `value` lists, and whether all of it was understood."""
    if not isinstance(value, list):
        return (), False
    paths = tuple(path for path in value if isinstance(path, str) and path and is_keepable(path))
    return paths[-MOST_OTHER_MODELS:], len(paths) == len(value) <= MOST_OTHER_MODELS


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_whole(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and (value == 0 or least <= value <= most)


def _is_one_of(choices: type[Enum]) -> Callable[[object], bool]:
    return lambda value: value in [choice.value for choice in choices]


_ENUMS: Mapping[str, type[Enum]] = {"theme": ThemeChoice, "on_miss": OnMiss}
_IS_RIGHT: Mapping[str, Callable[[object], bool]] = {
    "models_folder": _is_text,
    "model": _is_text,
    "budget": lambda value: isinstance(value, str) and is_budget(value),
    "threads": _is_whole(1, MOST_THREADS),
    "device": lambda value: isinstance(value, str) and is_device(value),
    "vram": lambda value: isinstance(value, str) and is_budget(value),
    "on_miss": _is_one_of(OnMiss),
    "theme": _is_one_of(ThemeChoice),
    "font_points": _is_whole(SMALLEST_FONT_POINTS, LARGEST_FONT_POINTS),
    "compact_gauges": _is_truth,
    "show_list": _is_truth,
    "show_gauges": _is_truth,
    "are_gauges_explained": _is_truth,
    "geometry": _is_text,
    "panes": _is_text,
}
