"""The load guard: a small file that says which model is being loaded, so that a load that crashed is not repeated.

    no file ──begin: written──▶ file ──end: removed──▶ no file
                                 └── the worker or the whole application dies: the file stays

Invariants, each with its test in tests/app/test_load_guard.py:
1. After `begin` and before `end`, another guard of the same folder names the model.
2. After `end` no guard of the folder names any.
3. A file that cannot be read forbids every model: some load did crash.
4. A folder that cannot be written raises nothing: loads go on unguarded.

Thread rule: one thread; two applications on one folder see the later load.
"""

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from offload.protocol import Load

_NAME = "model-being-loaded.json"
_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class InterruptedLoad:
    """A load that never ended."""

    model: str | None
    """Path of the model; None: the demo model."""
    memory: str | int | None = None
    """The budget it was loaded with."""
    is_known: bool = True
    """False where the file was damaged: some model, with some budget."""


class LoadGuard:
    """Remembers in `folder` the load that runs now."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME

    def begin(self, load: Load) -> None:
        """Remember `load`, in place of any before."""
        text = json.dumps({"model": load.model, "memory": load.config.memory})
        written = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(text, encoding="utf-8")
            # Whole or not at all: a crash may come at any moment.
            os.replace(written, self._file)

    def end(self) -> None:
        """Forget what was remembered: the load ended, or a person has been told."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def interrupted(self) -> InterruptedLoad | None:
        """Return the load that never ended; None where there was none. Meant for the start and after a death."""
        try:
            with self._file.open("rb") as file:
                fields = json.loads(file.read(_MAX_BYTES).decode("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            return InterruptedLoad(None, is_known=False)
        match fields:
            case {"model": str() | None as model, "memory": str() | int() as memory}:
                return InterruptedLoad(model, memory)
            case _:
                return InterruptedLoad(None, is_known=False)

    def forbids(self, model: str | None) -> bool:
        """Return whether `model` must not be loaded without being asked for: it crashed, or may be the one."""
        load = self.interrupted()
        return load is not None and (not load.is_known or load.model == model)
