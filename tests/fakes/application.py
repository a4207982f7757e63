"""The whole application with a worker that plays a script, in folders of a test's own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fakes.scripted_models import serves_models
from fakes.scripted_worker import Step, hello, loads, worker
from offload_app.bootstrap import Application, Surroundings
from offload_app.engine_state import EngineState
from offload_app.places import Places
from offload_app.settings import Settings
from offload_app.settings_file import SettingsFile
from offload_app.single_instance import SingleInstance

WAIT_MS = 20000
ROOM_BYTES = 500 << 30
"""Free on every disk that the application asks for, whatever is free on this one."""


@contextmanager
def application(
    folder: Path,
    *steps: Step | Sequence[Step],
    command: Sequence[str] = (),
    model: str = "",
    library: Sequence[str] = (),
) -> Iterator[Application]:
    """Yield an application that has begun, and take it apart afterwards; `library` is the worker that knows models."""
    qt = QApplication.instance()
    assert isinstance(qt, QApplication)
    font, palette, sheet = qt.font(), qt.palette(), qt.styleSheet()
    places = Places.below(folder)
    instance = SingleInstance(places.state)
    instance.claim()
    library_worker = tuple(library) or worker(hello(), serves_models())
    surroundings = Surroundings(places, tuple(command) or worker(*steps), library_worker, lambda folder: ROOM_BYTES)
    parts = Application(qt, surroundings, instance)
    try:
        parts.begin(model)
        yield parts
    finally:
        parts.end()
        parts.window.deleteLater()
        parts.deleteLater()
        qt.processEvents()
        qt.setStyleSheet(sheet)
        qt.setPalette(palette)
        qt.setFont(font)


@contextmanager
def application_getting_models(qtbot: QtBot, home: Path, models: Path, step: Step) -> Iterator[Application]:
    """Yield an application whose page of models to get is shown with its catalogue; `step` answers of them."""
    SettingsFile(home / "config" / "app.json").write(Settings(models_folder=str(models)))
    with application(home, hello(), loads(), loads(), library=worker(hello(), step)) as parts:
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
        parts.window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is parts.window)
        parts.window.resize(1400, 800)
        parts.window.deeds.find_models.trigger()
        qtbot.waitUntil(lambda: len(parts.window.finds.list.rows.rows) == 3, timeout=WAIT_MS)
        yield parts
