"""How a model that is still on the hub will run here, for a worker: of it the header alone is fetched."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from offload.cli.served_hub import open_hub_while
from offload.config import EngineConfig
from offload.errors import CancelledError
from offload.hub.model_place import ModelPlace
from offload.hub.reference import HubReference
from offload.hub.remote_header import fetch_header
from offload.hub.repository import find_model
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline


@dataclass(frozen=True, slots=True)
class _Kept:
    """The header that was fetched last."""

    asked: tuple[str, str]
    """The name, and the models folder."""
    scratch: TemporaryDirectory[str]
    header: Path
    place: Path
    """Of the model's first file, once it is here."""


class ServedFit:
    """Plans with headers of the hub, and keeps the last one: another context asks for no second. For one thread."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None

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
        """Return what the header of the model of that name says, and its plans with speeds from `models_folder`.

        Raises:
            CancelledError: `go_on` said no, and nothing was planned yet.
            OffloadError: as `HubReference.parse`, `find_model`, `fetch_header` and `outline_speeds` raise.
        """
        from offload.engine_speeds import outline_speeds
        from offload.inspection import inspect_model

        kept = self._header(name, models_folder, go_on)
        if not go_on():
            raise CancelledError("Stopped: nothing was planned.")
        summary = replace(inspect_model(kept.header), path=str(kept.place))
        _, outline = outline_speeds(kept.header, config, n_points, own_bytes=own_bytes, folder=Path(models_folder))
        return summary, outline

    def close(self) -> None:
        """Remove the header that is kept; may be called again."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.scratch.cleanup()

    def _header(self, name: str, models_folder: str, go_on: Callable[[], bool]) -> _Kept:
        asked = name.casefold(), models_folder
        if self._kept is not None and self._kept.asked == asked:
            return self._kept
        self.close()
        client = open_hub_while(go_on)
        model = find_model(client, HubReference.parse(name))
        scratch = TemporaryDirectory(prefix="offload-header-")
        try:
            header = fetch_header(client, model, Path(scratch.name)).path
        except BaseException:
            scratch.cleanup()
            raise
        self._kept = _Kept(asked, scratch, header, ModelPlace(model, Path(models_folder)).path)
        return self._kept
