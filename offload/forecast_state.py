"""Where what forecasters have learnt of a model is kept from one run to the next.

One file for each model, in the user's data folder, readable by nobody else: it tells token ids that were seen, and so a
little of what was said. A file of another model or release is no use, and is written over.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from offload.errors import ForecasterFileError
from offload.routing.forecaster_file import State, read_states, write_states
from offload.routing.route_trace import TraceHeader


def state_path(model: TraceHeader) -> Path:
    """Return where the state of a model lies, whether there is one or not."""
    return state_path_of(model.fingerprint)


def state_path_of(fingerprint: str) -> Path:
    """Return where the state of the model whose first file has that fingerprint lies."""
    return Path(platformdirs.user_data_dir("offload", appauthor=False)) / "forecasts" / f"{fingerprint[:24]}.forecast"


def load_state(model: TraceHeader, path: Path | None = None) -> Mapping[str, State]:
    """Return what was learnt of `model`, by forecaster; from `path` where one is given.

    Raises:
        ForecasterFileError: the file that was given is missing, damaged, or of another model or release. Our own is
            taken for empty then.
    """
    if path is not None:
        return read_states(path, model)
    try:
        return read_states(state_path(model), model)
    except ForecasterFileError:
        return {}


def save_state(model: TraceHeader, states: Mapping[str, State], path: Path | None = None) -> None:
    """Keep what was learnt of `model`, in `path` where one is given.

    Raises:
        DiskFullError: there is no room left; the file is as it was.
        OffloadError: the system could not write it; the file is as it was.
    """
    path = path or state_path(model)
    with suppress(OSError):  # what is wrong with the folder is said where the file is written
        path.parent.mkdir(parents=True, exist_ok=True)
    write_states(path, model, states)
    with suppress(OSError):
        os.chmod(path, 0o600)
