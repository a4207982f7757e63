"""The models that a person names on a command line: by a path, or by what they are called in the folder of models."""

import argparse
from pathlib import Path

from offload.cli.models_folder import models_folder
from offload.errors import ModelNotFoundError
from offload.model_folder import DEMO, find_model


def add_models_dir(parser: argparse._ActionsContainer) -> None:
    """Add --models-dir."""
    parser.add_argument(
        "--models-dir", metavar="DIR", help="the models folder (default: OFFLOAD_MODELS, or models in your data folder)"
    )


def folder_of(args: argparse.Namespace) -> Path:
    """Return the folder of models, also for a command that has no --models-dir."""
    return models_folder(argparse.Namespace(models_dir=getattr(args, "models_dir", None)))


def resolve_models(args: argparse.Namespace) -> None:
    """Replace -m's name by the path of the model of that name, for every command that has -m.

    A path where nothing is, is left as it is: whoever opens it says so.

    Raises:
        ModelNotFoundError: there is no model of that name, which is none of a GGUF file.
        UsageError: several models are meant.
    """
    for field in ("model", "model_option"):
        name = getattr(args, field, None)
        if not isinstance(name, str) or not name:
            continue
        try:
            path = find_model(name, folder_of(args))
        except ModelNotFoundError:
            if name == DEMO or Path(name).suffix.lower() != ".gguf":
                raise
            continue
        if path != Path(name).expanduser():
            setattr(args, field, str(path))
