"""What a worker serves, as it sees it: engines, and model files that need not be open."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from offload.config import EngineConfig, GenerationParams, Message, Token
from offload.listed_device import ListedDevice
from offload.model_offer import CatalogEntry, ModelOffer, PullPhase
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline
from offload.protocol import Loaded
from offload.stats import Stats

OnProgress: TypeAlias = Callable[[float], bool]
"""Is given the fraction of 1 that is done, and answers whether to go on."""
OnPull: TypeAlias = Callable[[PullPhase, int, int], bool]
"""Is given the phase of a download, the bytes that are done and all of them, and answers whether to go on."""


class Plan(Protocol):
    """What a worker needs of a memory plan."""

    def as_dict(self) -> Mapping[str, object]:
        """Return the plan in bytes by part."""

    def lines(self) -> list[str]:
        """Return the plan for reading."""


class ServedEngine(Protocol):
    """What a worker needs of an engine. `stop`, `stats` and `residency` are called from the input thread."""

    @property
    def path(self) -> Path:
        """Return the model's file."""

    @property
    def description(self) -> str:
        """Return the model in one line."""

    @property
    def n_ctx(self) -> int:
        """Return the context in tokens."""

    @property
    def store_name(self) -> str:
        """Return where experts are read from."""

    @property
    def own_bytes(self) -> int:
        """Return what the process took before the model was loaded."""

    @property
    def chat_template(self) -> str | None:
        """Return the model's own template, None where it has none."""

    @property
    def plan(self) -> Plan:
        """Return the memory plan it runs by."""

    def complete(self, prompt: str, params: GenerationParams = ...) -> Iterator[Token]:
        """Continue `prompt` as it is."""

    def chat(self, messages: Sequence[Message], params: GenerationParams = ...) -> Iterator[Token]:
        """Answer the conversation."""

    def stop(self) -> None:
        """End the running generation within one token."""

    def stats(self) -> Stats:
        """Return the statistics of this moment."""

    def residency(self) -> list[bytes]:
        """Return per paged layer one `ResidentState` per expert."""

    def close(self) -> None:
        """Close the model."""


class Models(Protocol):
    """What a worker does with model files. Called from its main thread; where `path` is None, of the demo model."""

    def open(self, path: str | None, config: EngineConfig, *, on_progress: OnProgress) -> ServedEngine:
        """Open a model. Raises CancelledError where `on_progress` says not to go on."""

    def inspect(self, path: str | None) -> ModelSummary:
        """Return what a model file says of itself."""

    def plan(
        self,
        path: str | None,
        config: EngineConfig,
        *,
        n_points: int,
        own_bytes: int | None,
        with_speed: bool = False,
    ) -> tuple[Path, PlanOutline]:
        """Return a model's file and what each part of it would take, were nothing open.

        `own_bytes`: what the process took before the model that is open now; None: none is open. `with_speed`: the
        points have what is predicted of their tokens a second.
        """

    def pack(self, path: str, *, force: bool, on_progress: OnProgress) -> Path:
        """Write the packed store beside a model and return its path; `force` replaces one that is there.

        Raises CancelledError, and leaves nothing behind, where `on_progress` says not to go on.
        """

    def catalog(self) -> Sequence[CatalogEntry]:
        """Return the catalogue that travels with the program; asks nobody."""

    def find(self, name: str, models_folder: str, *, go_on: Callable[[], bool]) -> ModelOffer:
        """Return what the hub has by that name. Raises CancelledError where `go_on` says no while it waits."""

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
        """Return what the header of a model on the hub says, and its plans, with speeds, as `plan` does.

        Raises CancelledError where `go_on` says no while the hub is waited for, or before planning begins.
        """

    def pull(self, name: str, models_folder: str, *, on_progress: OnPull) -> Path:
        """Download a model and return its first file.

        Raises CancelledError, and keeps what has come, where `on_progress` says not to go on.
        """

    def discard(self, name: str, models_folder: str) -> int:
        """Remove what has come of a download, and return how many bytes that were."""

    def devices(self) -> Sequence[ListedDevice]:
        """Return the devices that may compute in the place of the CPU."""


def loaded_event(request_id: int, engine: ServedEngine) -> Loaded:
    """Return the event that says what was opened."""
    return Loaded(
        request_id,
        model=str(engine.path),
        description=engine.description,
        n_ctx=engine.n_ctx,
        store=engine.store_name,
        has_chat_template=engine.chat_template is not None,
        plan=engine.plan.as_dict(),
        plan_lines=tuple(engine.plan.lines()),
    )
