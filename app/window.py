"""The window: lays out the panes, the notices, the menus and the status line, and connects them; it decides nothing."""

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from offload_app.chat.conversation_list import ConversationList
from offload_app.chat.page import ChatPage
from offload_app.chat_session import ChatSession
from offload_app.conversation_steps import ConversationSteps
from offload_app.device_search import DeviceSearch
from offload_app.download_news import DownloadNews
from offload_app.file_choice import FileChoice
from offload_app.first_run import FirstRunCard
from offload_app.gauges.panel import GaugePanel, language_of_qt
from offload_app.library.downloads import Downloads
from offload_app.library.find_page import FindPage
from offload_app.library.hub_fits import HubFits
from offload_app.library.library import Library
from offload_app.library.model_search import ModelSearch
from offload_app.library.page import ModelPage
from offload_app.library.readings.download_words import status_words
from offload_app.menus import fill_menus
from offload_app.model_control import ModelControl
from offload_app.model_drop import ModelDrop
from offload_app.model_label import ModelLabel
from offload_app.model_status import ModelStatus, model_words, state_words
from offload_app.notice import Choice, Notice, Subject
from offload_app.notice_area import NoticeArea
from offload_app.panes import Panes
from offload_app.preferences.dialog import PreferencesDialog
from offload_app.settings import Settings
from offload_app.settings_control import SettingsControl
from offload_app.text_size import larger, smaller
from offload_app.theme import SIZES, Theme
from offload_app.window_actions import WindowActions


@dataclass(frozen=True, slots=True)
class Shelves:
    """Models that are here, that may be got and how they will run, and that are on their way.

    `folder` is theirs where none was chosen; `free_bytes` tells how much room there is where a folder is or will be.
    """

    library: Library
    search: ModelSearch
    fits: HubFits
    downloads: Downloads
    folder: Path
    free_bytes: Callable[[str], int | None]


class MainWindow(QMainWindow):
    """Everything a person sees. Thread rule: the UI thread only."""

    closing = Signal()
    """A person wants to quit; the window is still there."""

    def __init__(
        self,
        session: ChatSession,
        model: ModelControl,
        settings: SettingsControl,
        shelves: Shelves,
        devices: DeviceSearch,
        theme: Theme,
    ) -> None:
        super().__init__()
        self._session, self._model, self._settings, self._devices = session, model, settings, devices
        self._language = language_of_qt()
        self._default_folder = folder = shelves.folder
        self.conversations = ConversationList(session, theme)
        self.page = ChatPage(session, theme)
        self.models = ModelPage(shelves.library, model, settings, theme, folder, free_bytes=shelves.free_bytes)
        self.finds = FindPage(
            shelves.search,
            shelves.fits,
            shelves.downloads,
            shelves.library,
            settings,
            theme,
            folder,
            free_bytes=shelves.free_bytes,
        )
        self._downloads = shelves.downloads
        self._news = DownloadNews(shelves.downloads, model, self)
        self.gauges = GaugePanel(theme)
        self.notices = NoticeArea(theme)
        self.card = FirstRunCard(theme)
        self.preferences: PreferencesDialog | None = None
        self.deeds = WindowActions(self)
        self._steps = ConversationSteps(session, self)
        self.files = FileChoice(self, self._models_folder)
        self._model_label, self._download_label, self._state_label = ModelLabel(), ModelLabel(), QLabel()
        self._lay_out()
        self._drop = ModelDrop(self)
        self._connect_actions()
        self._connect()
        self._show_settings(settings.current, settings.current)
        self._restore(settings.current)
        self._show_status(model.status)
        self._show_downloads()

    def tell(self, notice: Notice) -> None:
        """Show `notice` above the chat."""
        self.notices.show_notice(notice)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        for part in (self.conversations, self.page, self.models, self.finds, self.gauges, self.notices, self.card):
            part.set_theme(theme)

    def raise_(self) -> None:
        """Come forward, from wherever the window is."""
        if self.isMinimized():
            self.showNormal()
        super().raise_()
        self.activateWindow()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Keep the place of the window and its panes; what ends the application hides it."""
        event.ignore()
        self._settings.change(
            geometry=bytes(self.saveGeometry().toBase64().data()).decode("ascii"), panes=self.panes.widths
        )
        self.closing.emit()

    def _lay_out(self) -> None:
        self.setWindowTitle(self.tr("offload"))
        self.setMinimumSize(640, 420)
        chat = QWidget()
        column = QVBoxLayout(chat)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.card)
        column.addWidget(self.page, 1)
        self.pages = QStackedWidget()
        for page in (chat, self.models, self.finds):
            self.pages.addWidget(page)
        self.panes = Panes(self.conversations, self.pages, self.gauges)
        centre = QWidget()
        rows = QVBoxLayout(centre)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.notices)
        rows.addWidget(self.panes, 1)
        self.setCentralWidget(centre)
        fill_menus(self.menuBar(), self.deeds, self.page.actions())
        for label in (self._model_label, self._download_label, self._state_label):
            label.setContentsMargins(SIZES.gap, 0, SIZES.gap, 0)
        self._model_label.setMinimumWidth(1)
        self.statusBar().addWidget(self._model_label, 1)
        self.statusBar().addPermanentWidget(self._download_label)
        self.statusBar().addPermanentWidget(self._state_label)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().setAccessibleName(self.tr("Model and state"))

    def _connect_actions(self) -> None:
        deeds = self.deeds
        deeds.import_conversation.triggered.connect(self.files.ask_for_import)
        deeds.export_conversation.triggered.connect(self.files.ask_for_export)
        deeds.preferences.triggered.connect(self.show_preferences)
        deeds.quit.triggered.connect(self.close)
        deeds.search.triggered.connect(self._search)
        deeds.go_to_list.triggered.connect(self._go_to_list)
        deeds.go_to_chat.triggered.connect(self.show_chat)
        deeds.next_conversation.triggered.connect(lambda: self._steps.step(1))
        deeds.previous_conversation.triggered.connect(lambda: self._steps.step(-1))
        deeds.show_list.toggled.connect(lambda is_on: self._settings.change(show_list=is_on))
        deeds.show_gauges.toggled.connect(lambda is_on: self._settings.change(show_gauges=is_on))
        deeds.compact_gauges.toggled.connect(lambda is_on: self._settings.change(compact_gauges=is_on))
        deeds.larger_text.triggered.connect(lambda: self._settings.change(font_points=larger(self.font())))
        deeds.smaller_text.triggered.connect(lambda: self._settings.change(font_points=smaller(self.font())))
        deeds.normal_text.triggered.connect(lambda: self._settings.change(font_points=0))
        deeds.show_models.triggered.connect(self.show_models)
        deeds.find_models.triggered.connect(self.show_finds)
        deeds.open_model.triggered.connect(self.files.ask_for_model)
        deeds.demo_model.triggered.connect(lambda: self._model.open(None))
        deeds.reload_model.triggered.connect(self._model.reload)
        deeds.unload_model.triggered.connect(self._model.unload)
        deeds.explain_gauges.triggered.connect(
            lambda: self._settings.change(are_gauges_explained=False, show_gauges=True)
        )
        deeds.about.triggered.connect(self._show_about)

    def _connect(self) -> None:
        self.files.model_chosen.connect(self.models.take_file)
        self.files.import_chosen.connect(lambda path: self._session.import_(Path(path)))
        self.files.export_chosen.connect(lambda path: self._session.export(Path(path)))
        self._drop.dropped.connect(self.models.take_file)
        self.models.left.connect(self.show_chat)
        self.models.more_wanted.connect(self.show_finds)
        self.finds.left.connect(self.show_models)
        self.finds.model_wanted.connect(self._show_model)
        self._downloads.changed.connect(self._show_downloads)
        self._download_label.clicked.connect(self.show_finds)
        self._news.notice.connect(self.tell)
        self.models.file_wanted.connect(self.files.ask_for_model)
        self._session.opened.connect(self._leave_models)
        self._model_label.clicked.connect(self.show_models)
        self._model.opened.connect(self.models.remember)
        self._model.file_wanted.connect(self.files.ask_for_model)
        self._model.notice.connect(self.tell)
        self._model.cleared.connect(self.notices.clear)
        self._model.status_changed.connect(self._show_status)
        self._settings.changed.connect(self._show_settings)
        self.notices.chosen.connect(self._choose)
        self.card.dismissed.connect(lambda: self._settings.change(are_gauges_explained=True))

    def show_models(self) -> None:
        """Show the models in the place of the chat."""
        self.pages.setCurrentWidget(self.models)

    def show_finds(self) -> None:
        """Show the models to get in the place of the chat."""
        self.pages.setCurrentWidget(self.finds)

    def show_chat(self) -> None:
        """Show the chat, ready to be typed into."""
        self.pages.setCurrentIndex(0)
        self.page.composer.setFocus()

    def show_preferences(self) -> None:
        """Show the preferences, once."""
        if self.preferences is None:
            self.preferences = PreferencesDialog(self._settings, str(self._default_folder), self, devices=self._devices)
            self.preferences.finished.connect(self._forget_preferences)
        self.preferences.show()
        self.preferences.raise_()

    def _forget_preferences(self) -> None:
        if self.preferences is not None:
            self.preferences.deleteLater()
            self.preferences = None

    def _show_about(self) -> None:
        box = QMessageBox(self)
        box.setWindowTitle(self.tr("About offload"))
        box.setText(self.tr("offload {version}").format(version=QApplication.applicationVersion()))
        box.setInformativeText(
            self.tr("Runs a Mixture-of-Experts model bigger than memory, on this computer alone. Licence: Apache-2.0.")
        )
        box.finished.connect(box.deleteLater)
        box.open()

    def _choose(self, subject: Subject, choice: Choice) -> None:
        self.notices.clear(subject)
        self._model.choose(subject, choice)
        self._news.choose(subject, choice)

    def _leave_models(self) -> None:
        if self.models.isVisible() or self.finds.isVisible():
            self.show_chat()

    def _show_model(self, path: str) -> None:
        self.show_models()
        self.models.show_model(path)

    def _show_downloads(self) -> None:
        words = status_words(self._downloads.all, self._language)
        self._download_label.setText(words)
        self._download_label.setVisible(bool(words))

    def _search(self) -> None:
        self.deeds.show_list.setChecked(True)
        self.conversations.focus_search()

    def _go_to_list(self) -> None:
        self.deeds.show_list.setChecked(True)
        self.conversations.setFocus()

    def _models_folder(self) -> Path:
        chosen = self._settings.current.models_folder
        return Path(chosen) if chosen else self._default_folder

    def _show_status(self, status: ModelStatus) -> None:
        self._model_label.setText(model_words(status))
        self._model_label.setToolTip(status.model or "")
        self._state_label.setText(state_words(status))
        self.deeds.unload_model.setEnabled(self._model.can_unload)
        self.deeds.reload_model.setText(self.tr("&Load") if self._model.can_load else self.tr("&Load again"))

    def _show_settings(self, before: Settings, now: Settings) -> None:
        self.deeds.show_list.setChecked(now.show_list)
        self.deeds.show_gauges.setChecked(now.show_gauges)
        self.deeds.compact_gauges.setChecked(now.compact_gauges)
        self.panes.show_list(now.show_list)
        self.panes.set_compact(now.compact_gauges)
        self.panes.show_gauges(now.show_gauges)
        self.card.setVisible(not now.are_gauges_explained)

    def _restore(self, settings: Settings) -> None:
        self.resize(1120, 720)
        try:
            state = binascii.a2b_base64(settings.geometry)
        except (binascii.Error, ValueError):
            state = b""
        if state:
            self.restoreGeometry(QByteArray(state))
        self.panes.set_widths(settings.panes)
