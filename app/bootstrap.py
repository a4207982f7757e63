"""`main`: puts the application together, runs it, and takes it apart again.

Order of the start: settings and their theme, the window, the worker, the conversations in their own thread; a window is
there before any of the slow parts is. Order of the end: the window is hidden, the worker ends, everything is saved.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from offload_app.chat_session import ChatSession
from offload_app.device_search import DeviceSearch
from offload_app.engine_client import WORKER_COMMAND, EngineClient
from offload_app.icons import APPLICATION
from offload_app.interrupt import Interrupt
from offload_app.library.download_file import DownloadFile
from offload_app.library.downloads import Downloads
from offload_app.library.folder_watch import FolderWatch
from offload_app.library.free_room import free_bytes_at
from offload_app.library.hub_fits import HubFits
from offload_app.library.library import Library
from offload_app.library.library_client import LibraryClient
from offload_app.library.model_search import ModelSearch
from offload_app.load_guard import LoadGuard
from offload_app.model_config import config_of
from offload_app.model_control import ModelControl
from offload_app.notice import Notice, Subject, Weight
from offload_app.places import Places
from offload_app.retention import Retention
from offload_app.settings import Settings
from offload_app.settings_control import SettingsControl
from offload_app.settings_file import SettingsFile
from offload_app.shutdown import Shutdown
from offload_app.single_instance import Claim, SingleInstance
from offload_app.stats_polling import StatsPolling
from offload_app.store_notice import StoreNotice
from offload_app.store_opening import open_store
from offload_app.store_thread import StoreThread
from offload_app.style import Appearance
from offload_app.unexpected import Unexpected
from offload_app.window import MainWindow, Shelves

_ALREADY_RUNNING = 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the application stands on; tests put others in their place."""

    places: Places
    worker: tuple[str, ...] = WORKER_COMMAND
    library_worker: tuple[str, ...] = WORKER_COMMAND
    """Looks at models, packs and gets them."""
    free_bytes: Callable[[str], int | None] = free_bytes_at
    """How much room there is where a folder is or will be."""


class Application(QObject):
    """All parts, connected. Thread rule: the UI thread only."""

    def __init__(self, application: QApplication, surroundings: Surroundings, instance: SingleInstance) -> None:
        super().__init__()
        places = surroundings.places
        self._instance = instance
        self.settings = SettingsControl(SettingsFile(places.settings), self)
        self.appearance = Appearance(application, self.settings.current, self)
        self.store = StoreThread(lambda: open_store(places.conversations))
        self.guard = LoadGuard(places.state)
        self.engine = EngineClient(surroundings.worker, guard=self.guard, parent=self)
        # Before the control, so that an answer has ended here before the next load is sent.
        self.session = ChatSession(self.engine, self.store, parent=self)
        self.model = ModelControl(self.engine, self.guard, lambda path: config_of(self.settings.current, path), self)
        command = surroundings.library_worker
        # A process each, started on demand: what takes its time holds up nothing else.
        asker, packer, predictor, scout, puller, lister = (LibraryClient(command, parent=self) for _ in range(6))
        self.library = Library(asker, packer, FolderWatch(parent=self), self, predictor=predictor)
        self.search = ModelSearch(asker, scout, self)
        self.fits = HubFits(predictor, self.settings, self)
        self.downloads = Downloads(puller, scout, DownloadFile(places.downloads), self)
        self.devices = DeviceSearch(lister, self)
        self.unexpected = Unexpected(places.log, self)
        shelves = Shelves(self.library, self.search, self.fits, self.downloads, places.models, surroundings.free_bytes)
        theme = self.appearance.theme
        self.window = MainWindow(self.session, self.model, self.settings, shelves, self.devices, theme)
        self.polling = StatsPolling(self.engine, self.window.gauges)
        self.shutdown = Shutdown(self.engine, self.session, self)
        self._store_notice = StoreNotice(self.store, self)
        self.retention = Retention(self.store, parent=self)
        self._connect()

    def begin(self, model: str = "") -> None:
        """Show the window, then start the worker; `model` is opened instead of the last one."""
        if self.shutdown.has_begun:
            return
        self.window.show()
        self.window.page.composer.setFocus()
        if self.settings.trouble:
            self.window.tell(Notice(Subject.SETTINGS, Weight.WARNING, self.settings.trouble))
        if model:
            self.model.open(model)
        else:
            self.model.begin(self.settings.current.model or None)
        self.retention.begin()

    def end(self) -> None:
        """Close what is still open, after the event loop; may wait for the disk."""
        self.session.close()
        self.retention.close()
        self.store.close()
        self.devices.close()
        self.downloads.close()
        self.search.close()
        self.library.close()
        self.engine.close()
        self._instance.close()

    def _connect(self) -> None:
        self.window.closing.connect(self._close)
        self.appearance.theme_changed.connect(self.window.set_theme)
        self.settings.changed.connect(self._on_settings)
        self.settings.not_kept.connect(lambda text: self._warn(Subject.SETTINGS, text))
        self.model.opened.connect(lambda path: self.settings.change(model=path))
        self.unexpected.happened.connect(lambda text: self._warn(Subject.DEFECT, text))
        self._store_notice.notice.connect(self.window.tell)
        self._instance.raised.connect(self._come_forward)

    def _on_settings(self, before: Settings, now: Settings) -> None:
        self.appearance.apply(now)

    def _come_forward(self, model: str) -> None:
        self.window.raise_()
        if model:
            self.model.open(model)

    def _warn(self, subject: Subject, text: str) -> None:
        self.window.tell(Notice(subject, Weight.ERROR, text))

    def _close(self) -> None:
        self.window.hide()
        # A start from now on is one of its own.
        self._instance.close()
        self.devices.shutdown()
        self.downloads.shutdown()
        self.search.shutdown()
        self.library.shutdown()
        self.shutdown.begin()


def main(argv: Sequence[str] | None = None, surroundings: Surroundings | None = None) -> int:
    """Run the application and return its exit code; `argv` may name a model to open."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    model = str(Path(arguments[0]).absolute()) if arguments else ""
    surroundings = surroundings or Surroundings(Places.of_user())
    application = qt_application()
    instance = SingleInstance(surroundings.places.state)
    match instance.claim(model):
        case Claim.HANDED_OVER:
            return 0
        case Claim.NO_ANSWER:
            _say_it_does_not_answer()
            return _ALREADY_RUNNING
    parts = Application(application, surroundings, instance)
    parts.unexpected.watch()
    interrupt = Interrupt(parts)
    interrupt.asked.connect(parts.window.close)
    # Not `quit`, which asks the window again.
    parts.shutdown.done.connect(lambda: application.exit(0))
    QTimer.singleShot(0, parts, lambda: parts.begin(model))
    # What the start made stays: else the collector looks at all of it again in the middle of an answer, which then
    # stands still for 20 to 28 ms (67,000 objects, 2 cores, 2026-11-23).
    gc.freeze()
    try:
        return application.exec()
    finally:
        interrupt.close()
        parts.end()
        parts.unexpected.unwatch()


def qt_application() -> QApplication:
    """Return Qt's application of this process, set up as this one wants it; made where there is none."""
    application = QApplication.instance() or QApplication(["offload"])
    assert isinstance(application, QApplication)
    application.setApplicationName("offload")
    application.setApplicationDisplayName("offload")
    application.setApplicationVersion(metadata.version("offload"))
    application.setDesktopFileName("offload")
    application.setWindowIcon(QIcon(str(APPLICATION)))
    # The window is hidden before the worker has ended; `Shutdown` says when to quit.
    application.setQuitOnLastWindowClosed(False)
    # The same shapes on every system, in the colours of the theme.
    application.setStyle("Fusion")
    return application


def _say_it_does_not_answer() -> None:
    text = QApplication.translate(
        "Bootstrap", "offload is running already, but does not answer. End that process, then start again."
    )
    QMessageBox.critical(None, "offload", text)
