"""Where models are kept."""

import argparse
import os
from pathlib import Path

import platformdirs


def models_folder(args: argparse.Namespace) -> Path:
    """Return the folder of --models-dir, else of OFFLOAD_MODELS, else `models` in the user's data folder."""
    given = args.models_dir or os.environ.get("OFFLOAD_MODELS")
    if given:
        return Path(given).expanduser()
    return Path(platformdirs.user_data_dir("offload", appauthor=False)) / "models"
