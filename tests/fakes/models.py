"""What a worker does with model files, without any: `FakeModels`, by way of the fake engine.

Paths misbehave as the fake engine's do, names of the hub in these ways:

    bad: UsageError                                           slow: found, fitted or pulled until it is cancelled
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from fakes.engine import (
    FakeEngine,
    OnProgress,
    inspect_model,
    listed_devices,
    open_model,
    outline_plans,
    pack_model,
    until_stopped,
)
from offload.config import EngineConfig
from offload.errors import CancelledError, UsageError
from offload.listed_device import ListedDevice
from offload.model_offer import CatalogEntry, ModelOffer, PullPhase
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline, PlanPoint
from offload.served import OnPull, ServedEngine


@dataclass(slots=True)
class FakeModels:
    """What a worker does with model files, in the fake engine's way; `engine` makes what is opened."""

    engine: Callable[..., FakeEngine] = open_model
    opened: list[FakeEngine] = field(default_factory=list)

    def open(self, path: str | None, config: EngineConfig, *, on_progress: OnProgress) -> ServedEngine:
        self.opened.append(self.engine(path, config, on_progress=on_progress))
        return self.opened[-1]

    def inspect(self, path: str | None) -> ModelSummary:
        return inspect_model(path)

    def plan(
        self,
        path: str | None,
        config: EngineConfig,
        *,
        n_points: int,
        own_bytes: int | None,
        with_speed: bool = False,
    ) -> tuple[Path, PlanOutline]:
        name, outline = outline_plans(path, config, n_points, own_bytes=own_bytes)
        return name, replace(outline, points=tuple(map(_with_speed, outline.points))) if with_speed else outline

    def pack(self, path: str, *, force: bool, on_progress: OnProgress) -> Path:
        return pack_model(Path(path), force=force, on_progress=lambda done, total: on_progress(done / total))

    def catalog(self) -> tuple[CatalogEntry, ...]:
        return (CatalogEntry("Fake", "u/fake:Q4_K_M", 5 << 30, "MIT", "qwen3moe", 4, 2, 10**10, 10**9),)

    def find(self, name: str, models_folder: str, *, go_on: Callable[[], bool]) -> ModelOffer:
        _check_name(name)
        if "slow" in name:
            until_stopped(go_on)
            raise CancelledError("The search was stopped.")
        return ModelOffer(name, name, "0" * 40, 1, 1000, 0, 10**12, f"{models_folder}/{name}.gguf", False)

    def fit(
        self,
        name: str,
        models_folder: str,
        config: EngineConfig,
        *,
        n_points: int,
        own_bytes: int | None,
        go_on: Callable[[], bool],
    ) -> tuple[ModelSummary, PlanOutline]:
        _check_name(name)
        if "slow" in name:
            until_stopped(go_on)
            raise CancelledError("Stopped: nothing was planned.")
        path = f"{models_folder}/{name}.gguf"
        _, outline = self.plan(path, config, n_points=n_points, own_bytes=own_bytes, with_speed=True)
        return inspect_model(path), outline

    def pull(self, name: str, models_folder: str, *, on_progress: OnPull) -> Path:
        _check_name(name)
        if "slow" in name:
            until_stopped(partial(on_progress, PullPhase.WAITING, 1, 3))
        for done in range(500, 1000):
            if not on_progress(PullPhase.DOWNLOADING, done, 1000):
                raise CancelledError("Stopped: what has come is kept.")
        on_progress(PullPhase.CHECKING, 0, 1000)
        return Path(models_folder) / f"{name}.gguf"

    def discard(self, name: str, models_folder: str) -> int:
        _check_name(name)
        return 7

    def devices(self) -> tuple[ListedDevice, ...]:
        return listed_devices()


def _with_speed(point: PlanPoint) -> PlanPoint:
    return replace(point, low_tokens_per_second=1.0, tokens_per_second=2.0, high_tokens_per_second=3.0)


def _check_name(name: str) -> None:
    if "bad" in name:
        raise UsageError(f"{name!r} is not USER/REPO.", hint="Write it otherwise.")
