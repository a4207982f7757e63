"""`offload worker`: the protocol over standard input and output, for another program."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from offload.cli.interrupt import EXIT_INTERRUPTED
from offload.cli.terminal import Terminal
from offload.cli.version import program_version
from offload.config import EngineConfig
from offload.listed_device import ListedDevice
from offload.model_offer import CatalogEntry, ModelOffer
from offload.model_summary import ModelSummary
from offload.plan_outline import PlanOutline
from offload.served import Models, OnProgress, OnPull, ServedEngine
from offload.worker import Worker, read_lines

if TYPE_CHECKING:
    from offload.catalog import CatalogModel
    from offload.cli.served_fit import ServedFit


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "worker",
        help="serve another program over standard input and output",
        description="Read requests and write events, one JSON object per line; offload/protocol.py describes them. "
        "Ends when its input ends.",
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Serve until the input ends or asks for it; 130 where an interrupt ended it."""
    with closing(EngineModels()) as models:
        return serve(models)


class EngineModels:
    """The engine's `Models`, imported with the first request: the hello must not wait for it, nor `inspect` for all."""

    def __init__(self) -> None:
        self._fit: ServedFit | None = None

    def open(self, path: str | None, config: EngineConfig, *, on_progress: OnProgress) -> ServedEngine:
        """Open a model. Raises as `engine.open_model` does."""
        from offload.engine import open_model

        return open_model(path, config, on_progress=on_progress)

    def inspect(self, path: str | None) -> ModelSummary:
        """Return what a model file says of itself. Raises as `inspection.inspect_model` does."""
        from offload.inspection import inspect_model

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
        """Return a model's file and its plans. Raises as `engine.outline_plans` and `outline_speeds` do."""
        if with_speed:
            from offload.engine_speeds import outline_speeds

            return outline_speeds(path, config, n_points, own_bytes=own_bytes)
        from offload.engine import outline_plans

        return outline_plans(path, config, n_points, own_bytes=own_bytes)

    def pack(self, path: str, *, force: bool, on_progress: OnProgress) -> Path:
        """Write the packed store beside a model and return its path. Raises as `engine.pack_model` does."""
        from offload.engine import pack_model

        def on_bytes(done_bytes: int, total_bytes: int) -> bool:
            return on_progress(done_bytes / total_bytes if total_bytes else 1.0)

        return pack_model(Path(path), force=force, on_progress=on_bytes)

    def catalog(self) -> tuple[CatalogEntry, ...]:
        """Return the catalogue. Raises as `catalog.load_catalog` does."""
        from offload.catalog import load_catalog

        return tuple(map(_entry, load_catalog()))

    def find(self, name: str, models_folder: str, *, go_on: Callable[[], bool]) -> ModelOffer:
        """Return what the hub has by that name. Raises as `served_hub.find` does."""
        from offload.cli import served_hub

        return served_hub.find(name, models_folder, go_on=go_on)

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
        """Return what a model's header says, and its plans. Raises as `ServedFit.fit` does."""
        from offload.cli.served_fit import ServedFit

        if self._fit is None:
            self._fit = ServedFit()
        return self._fit.fit(name, models_folder, config, n_points=n_points, own_bytes=own_bytes, go_on=go_on)

    def close(self) -> None:
        """Remove what was kept of models that are not here; may be called again."""
        if self._fit is not None:
            self._fit.close()

    def pull(self, name: str, models_folder: str, *, on_progress: OnPull) -> Path:
        """Download a model and return its first file. Raises as `served_hub.pull` does."""
        from offload.cli import served_hub

        return served_hub.pull(name, models_folder, on_progress=on_progress)

    def discard(self, name: str, models_folder: str) -> int:
        """Remove what has come of a download. Raises as `served_hub.discard` does."""
        from offload.cli import served_hub

        return served_hub.discard(name, models_folder)

    def devices(self) -> tuple[ListedDevice, ...]:
        """Return the devices of this machine. Raises as `engine.listed_devices` does."""
        from offload.engine import listed_devices

        return listed_devices()


def _entry(model: "CatalogModel") -> CatalogEntry:
    return CatalogEntry(
        model.name,
        model.reference,
        model.size_bytes,
        model.licence,
        model.architecture,
        model.n_expert,
        model.n_expert_used,
        model.total_params,
        model.active_params,
        is_exact=model.is_exact,
        source=model.sources.get("file", ""),
    )


def serve(models: Models) -> int:
    """Speak the protocol over this process's standard input and output until the other side ends it."""
    with take_stdout() as events:

        def emit(line: bytes) -> None:
            left = memoryview(line)
            while left:
                left = left[events.write(left) or 0 :]

        worker = Worker(emit, models, version=program_version())
        interrupted = threading.Event()

        def on_interrupt(*_: object) -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            interrupted.set()
            worker.shutdown()

        signal.signal(signal.SIGINT, on_interrupt)
        # Unbuffered and a daemon: a thread that waits for input must not keep the process from ending.
        requests = os.fdopen(os.dup(0), "rb", buffering=0)
        threading.Thread(target=_feed, args=(worker, requests), name="offload-requests", daemon=True).start()
        worker.run()
    return EXIT_INTERRUPTED if interrupted.is_set() else 0


def take_stdout() -> BinaryIO:
    """Return the process's standard output for the protocol alone, and point file descriptor 1 at standard error.

    Native libraries that print then cannot put their words between the protocol's lines.
    """
    sys.stdout.flush()
    private = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return private


def _feed(worker: Worker, requests: BinaryIO) -> None:
    try:
        worker.feed(read_lines(requests))
    except OSError:
        # Nobody reads the answers, or the input broke: `feed` has shut the worker down.
        return
