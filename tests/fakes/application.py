"""The whole application with a worker that plays a script, in folders of a test's own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QApplication

from fakes.scripted_worker import Step, hello, serves_models, worker
from offload_app.bootstrap import Application, Surroundings
from offload_app.places import Places
from offload_app.single_instance import SingleInstance


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
    parts = Application(qt, Surroundings(places, tuple(command) or worker(*steps), library_worker), instance)
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
