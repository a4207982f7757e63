"""`ModelChoices`: the budget and the context a person chose for each model, and their JSON; values only."""

from collections.abc import Mapping
from dataclasses import dataclass

MOST_CHOICES = 100
"""Models; the one that was chosen for longest ago is forgotten first."""
_MOST_BYTES = 1 << 50
_MOST_TOKENS = 1 << 30


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """How one model is to be opened."""

    budget_bytes: int = 0
    """0: the budget of the settings."""
    n_ctx: int = 0
    """0: the model's own, bounded."""


@dataclass(frozen=True, slots=True)
class ModelChoices:
    """Choices by the path of the model, the oldest first; the empty path is the demo model's."""

    items: tuple[tuple[str, ModelChoice], ...] = ()

    def of(self, path: str) -> ModelChoice:
        """Return what was chosen for a model; everything automatic where nothing was."""
        return dict(self.items).get(path, ModelChoice())

    def with_choice(self, path: str, choice: ModelChoice) -> "ModelChoices":
        """Return these with that for `path`; a path that no settings file can hold is left out."""
        others = tuple(item for item in self.items if item[0] != path)
        if choice == ModelChoice() or not is_keepable(path):
            return ModelChoices(others)
        return ModelChoices((*others, (path, choice))[-MOST_CHOICES:])


def is_keepable(path: str) -> bool:
    """Return whether `path` is text that a settings file can hold."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in path


def choices_to_json(choices: ModelChoices) -> dict[str, dict[str, int]]:
    """Return `choices` as a JSON object."""
    return {path: {"budget_bytes": choice.budget_bytes, "n_ctx": choice.n_ctx} for path, choice in choices.items}


def choices_from_json(value: object) -> tuple[ModelChoices, bool]:
    """Return the choices that `value` holds, and whether all of it was understood; what is wrong is left out alone."""
    if not isinstance(value, Mapping):
        return ModelChoices(), False
    items = []
    for path, fields in value.items():
        choice = _choice(fields)
        if choice is not None and is_keepable(path):
            items.append((path, choice))
    kept = tuple(items[-MOST_CHOICES:])
    return ModelChoices(kept), len(kept) == len(value)


def _choice(fields: object) -> ModelChoice | None:
    match fields:
        case {"budget_bytes": int(budget), "n_ctx": int(n_ctx), **rest} if not rest:
            are_whole = type(budget) is int and type(n_ctx) is int
            if are_whole and 0 <= budget <= _MOST_BYTES and 0 <= n_ctx <= _MOST_TOKENS:
                return ModelChoice(budget, n_ctx)
    return None
