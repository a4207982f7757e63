"""Choosing the model that is meant among the files of a repository, or of a folder."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offload.errors import HubError, HubFailure
from offload.hub.reference import DEFAULT_QUANT, HubReference

# Projectors, importance matrices and draft models: beside a model, never one. Source: gguf_filename_is_model in
# common/download.cpp of llama.cpp.
_COMPANIONS = ("mmproj", "imatrix", "mtp-", "eagle3-", "dflash-", "dspark-")
_PART = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf", re.IGNORECASE | re.DOTALL)
_QUANT = re.compile(
    r"(?:^|[-._/])((?:UD-)?(?:I?Q[0-9]\w*|TQ[0-9]\w*|BF16|FP?16|FP?32|MXFP4\w*|NVFP4\w*))$", re.IGNORECASE
)
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of one model, in the order of their parts; `n_parts` is what their names promise."""

    stem: str
    """The path without the part's number and the suffix."""
    paths: tuple[str, ...]
    n_parts: int

    @property
    def quant(self) -> str:
        """The quantization its name ends in, else that of its folder, else the name."""
        folder, _, name = self.stem.rpartition("/")
        for text in (name, folder):
            match = _QUANT.search(text)
            if match is not None:
                return match[1].upper()
        return name


def models_among(paths: Iterable[str]) -> tuple[ModelFiles, ...]:
    """Return the models among `paths` (separated by `/`), in order of their names; parts of one are together."""
    found: dict[tuple[str, int], dict[int, str]] = {}
    for path in paths:
        name = path.rpartition("/")[2]
        if not name.lower().endswith(".gguf") or any(word in name.lower() for word in _COMPANIONS):
            continue
        match = _PART.fullmatch(path)
        stem, number, count = (
            (match["stem"], int(match["number"]), int(match["count"])) if match else (path[: -len(".gguf")], 1, 1)
        )
        found.setdefault((stem, count), {})[number] = path
    return tuple(
        ModelFiles(stem, tuple(parts[number] for number in sorted(parts)), count)
        for (stem, count), parts in sorted(found.items())
    )


def choose(models: Sequence[ModelFiles], reference: HubReference) -> ModelFiles:
    """Return the model that `reference` means.

    A quantization is found in any case of letters: the name ends in it, or else holds it. Without one it is
    `DEFAULT_QUANT`, or the only model there is.

    Raises:
        HubError: there is none, more than one, or parts of it are missing; says what there is.
    """
    if not models:
        raise _not_there(f"{reference.repo} has no GGUF model.", "Look for a repository whose name ends in -GGUF.")
    chosen = _of_file(models, reference) if reference.file else _of_quant(models, reference)
    if len(chosen.paths) != chosen.n_parts:
        raise _not_there(
            f"{reference.repo} has only {len(chosen.paths)} of the {chosen.n_parts} parts of {chosen.stem}.",
            "Wait until it is complete there, or take another quantization.",
        )
    return chosen


def _of_file(models: Sequence[ModelFiles], reference: HubReference) -> ModelFiles:
    for wanted in (str.__eq__, lambda path, file: path.rpartition("/")[2] == file):
        found = [model for model in models if any(wanted(path, reference.file) for path in model.paths)]
        if len(found) == 1:
            return found[0]
    names = _listed([model.paths[0] for model in models])
    raise _not_there(f"{reference.repo} has no model file {reference.file}.", f"It has {names}.")


def _of_quant(models: Sequence[ModelFiles], reference: HubReference) -> ModelFiles:
    quant = reference.quant or DEFAULT_QUANT
    found = [model for model in models if model.quant == quant.upper()]
    if not found:
        part = re.compile(rf"(?:^|[-._/]){re.escape(quant)}(?:[-.]|$)", re.IGNORECASE)
        found = [model for model in models if part.search(model.stem)]
    if not found and reference.quant is None and len(models) == 1:
        return models[0]
    if len(found) > 1:
        names = _listed([model.paths[0] for model in found])
        raise _not_there(f"{reference.repo} has {len(found)} models of {quant}: {names}.", "Name one with --file.")
    if not found:
        quants = _listed(dict.fromkeys(model.quant for model in models))
        raise _not_there(f"{reference.repo} has no {quant}.", f"It has {quants}: write {reference.repo}:QUANT.")
    return found[0]


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")


def _not_there(message: str, hint: str) -> HubError:
    return HubError(message, reason=HubFailure.NOT_FOUND, hint=hint)
