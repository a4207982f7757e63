"""Pulls a model as a command does, and keeps what was told on the way."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from offload.hub.client import HubClient
from offload.hub.download import Download, Downloaded, Progress
from offload.hub.reference import HubReference
from offload.hub.repository import find_model

DATA = random.Random(1).randbytes(1_000_003)
OTHER = random.Random(2).randbytes(1_000_003)
PARTS = {f"M-Q4_K_M-{number:05d}-of-00003.gguf": DATA[: number * 100_000] for number in (1, 2, 3)}


class Puller:
    """Pulls u/r as a command does, and keeps what was told."""

    def __init__(self, client: HubClient, folder: Path) -> None:
        self.client = client
        self.models = folder / "models"
        self.folder = self.models / "u" / "r"
        self.said: list[str] = []
        self.progress: list[Progress] = []
        self.stop_at = -1
        self.stop_when: Callable[[], bool] = lambda: False

    def download(self) -> Download:
        return Download(self.client, find_model(self.client, HubReference.parse("u/r")), self.models)

    def pull(self) -> Downloaded:
        return self.download().run(self._on_progress, self.said.append)

    def names(self) -> list[str]:
        """Return all files there are, below the model's folder."""
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def part(self) -> Path:
        (part,) = (self.folder / ".partial").glob("*.part")
        return part

    def _on_progress(self, progress: Progress) -> bool:
        self.progress.append(progress)
        return not (self.stop_when() or 0 <= self.stop_at <= progress.done_bytes)


def dying_after(n_renames: int, patch: pytest.MonkeyPatch) -> None:
    """End the process, as it were, at the rename after that many."""
    replace, left = os.replace, [n_renames]

    def dying(source: Path, target: Path) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        replace(source, target)

    patch.setattr("os.replace", dying)
