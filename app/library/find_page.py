"""The page of models to get: the catalogue, the offer of the one that is chosen, and the downloads."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeySequence, QPalette, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QMessageBox, QPushButton, QWidget

from offload.protocol import CatalogEntry
from offload_app.gauges.panel import language_of_qt
from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download, DownloadState
from offload_app.library.download_list import DownloadList
from offload_app.library.downloads import Downloads
from offload_app.library.find_layout import FindLayout
from offload_app.library.free_room import free_bytes_at
from offload_app.library.hub_fits import HubFits
from offload_app.library.library import Library
from offload_app.library.model_list import ModelList
from offload_app.library.model_search import ModelSearch
from offload_app.library.offer_card import OfferCard
from offload_app.library.readings.catalog import (
    entry_row,
    found_entries,
    is_listed,
    path_here,
    place_of,
    typed_name,
    typed_row,
)
from offload_app.library.readings.download_words import read_download, short_state
from offload_app.library.readings.fit_words import read_fit
from offload_app.library.readings.model_row import ModelRow
from offload_app.library.readings.offer import (
    OfferDeed,
    OfferReading,
    Surroundings,
    catalog_words,
    read_entry_offer,
    read_typed_offer,
)
from offload_app.library.style import library_style
from offload_app.model_choices import ModelChoice
from offload_app.settings_control import SettingsControl
from offload_app.theme import Theme


class FindPage(QWidget):
    """Shows what `search` knows, and gives `downloads` their work. Thread rule: the UI thread only."""

    left = Signal()
    """A person wants the models that are here back."""
    model_wanted = Signal(str)
    """Path of a model that a person wants to see among those that are here."""

    def __init__(
        self,
        search: ModelSearch,
        fits: HubFits,
        downloads: Downloads,
        library: Library,
        settings: SettingsControl,
        theme: Theme,
        default_folder: Path,
        *,
        language: Language | None = None,
        free_bytes: Callable[[str], int | None] = free_bytes_at,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("modelPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._search, self._fits, self._downloads = search, fits, downloads
        self._library, self._settings = library, settings
        self._default_folder, self._free_bytes = default_folder, free_bytes
        self._language = language if language is not None else language_of_qt()
        self.field = QLineEdit()
        self.list = ModelList(theme)
        self.nothing, self.hint = QLabel(), QLabel()
        self.offer = OfferCard(theme, self._language)
        self.downloads = DownloadList(theme)
        self.back = QPushButton(self.tr("&Back to models"))
        self.question: QMessageBox | None = None
        self._name_parts()
        self._layout = FindLayout(self)
        self._connect()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.setStyleSheet(library_style(theme))
        for part in (self.list, self.offer, self.downloads):
            part.set_theme(theme)
        palette = self.field.palette()
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(theme.muted))
        self.field.setPalette(palette)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Have the catalogue read, and follow the disk."""
        super().showEvent(event)
        self._search.begin()
        self._library.set_sources(self._folder(), self._settings.current.other_models)
        self._library.set_active(True)
        self._show()
        self.field.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Let the disk rest; downloads go on."""
        super().hideEvent(event)
        self._library.set_active(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Put the offer beside the list where there is room, else below it."""
        super().resizeEvent(event)
        self._layout.fit(self.width())

    def _name_parts(self) -> None:
        self.field.setPlaceholderText(self.tr("Search, or write USER/REPO:QUANT"))
        self.field.setAccessibleName(self.tr("Search the catalogue"))
        self.field.setClearButtonEnabled(True)
        text = self.tr("Nothing is asked of the network before you press Look up, Will it run here? or Download.")
        self.hint.setText(text)
        self.list.view.setAccessibleName(self.tr("Models to get"))
        self.setAccessibleName(self.tr("Get models"))

    def _connect(self) -> None:
        self._search.changed.connect(self._show)
        self._fits.changed.connect(self._show_fit)
        self._downloads.changed.connect(self._show)
        self._downloads.finished.connect(lambda _: self._look_at_disk())
        self._library.changed.connect(self._show)
        self._settings.changed.connect(lambda *_: self._show())
        self.field.textChanged.connect(lambda _: self._show())
        self.field.returnPressed.connect(self._go_to_list)
        down = QShortcut(QKeySequence(Qt.Key.Key_Down), self.field, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self._go_to_list)
        self.list.changed.connect(lambda _: self._show_offer())
        self.list.activated.connect(lambda _: self.offer.button.click())
        self.offer.wanted.connect(self._do)
        self.offer.fit_wanted.connect(lambda: self._fits.ask(self.list.chosen, self._folder()))
        self.offer.plan.chosen.connect(self._choose_plan)
        self.back.clicked.connect(self.left)
        QShortcut(
            QKeySequence(Qt.Key.Key_Escape), self, self.left.emit, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        self.downloads.pause_wanted.connect(self._downloads.pause)
        self.downloads.resume_wanted.connect(self._downloads.resume)
        self.downloads.removal_wanted.connect(self._ask_to_remove)

    # What is shown

    def _show(self) -> None:
        if not self.isVisible():
            return
        rows = self._rows()
        self.list.show_rows(rows)
        if rows and self.list.chosen not in [row.key for row in rows]:
            self.list.choose(rows[0].key)
        words = catalog_words(len(rows), self._search.refusal, self.field.text(), self._language)
        self.nothing.setText(words)
        self.nothing.setVisible(bool(words))
        self.list.setVisible(bool(rows))
        self._show_offer()
        # What is done needs nobody's eyes any more.
        downloads = sorted(self._downloads.all, key=lambda download: download.state is DownloadState.DONE)
        self.downloads.show_rows(read_download(download, self._language) for download in downloads)

    def _rows(self) -> tuple[ModelRow, ...]:
        query, entries = self.field.text(), self._search.entries
        rows = [self._entry_row(entry) for entry in found_entries(entries, query)]
        name = typed_name(query)
        if name and not is_listed(entries, name):
            rows.insert(0, self._typed_row(name))
        return tuple(rows)

    def _entry_row(self, entry: CatalogEntry) -> ModelRow:
        return entry_row(entry, *self._state_of(entry.name), self._language)

    def _typed_row(self, name: str) -> ModelRow:
        lookup = self._search.lookups.get(name.casefold())
        facts, trouble = self.tr("not in the catalogue"), ""
        if lookup is not None and lookup.offer is not None:
            facts = self._language.size(lookup.offer.n_bytes)
        elif lookup is not None and lookup.refusal is not None:
            trouble = lookup.refusal.message
        state, is_here = self._state_of(name)
        return typed_row(name, facts, trouble, state, is_here)

    def _state_of(self, name: str) -> tuple[str, bool]:
        """Return what stands at the right of a row, and whether the model is here."""
        if self._path_here(name):
            return self.tr("here"), True
        download = self._downloads.of(name, self._folder())
        return (short_state(download, self._language) if download is not None else ""), False

    def _show_offer(self) -> None:
        name = self.list.chosen
        self._fits.turn_to(name)
        reading, fit = self._reading(), self._fits.of(name)
        self.offer.show_reading(reading)
        if fit is not None and fit.summary is not None:
            budget, length = self._settings.current.budget, fit.summary.context_length
            self.offer.plan.show_plan(fit.outlook, self._fits.choice(name), length, budget)
        self.offer.show_fit(read_fit(fit, reading.can_fit, self._language))

    def _show_fit(self) -> None:
        """Show what is known now, and the plan where it has just come."""
        was_hidden = self.offer.plan.isHidden()
        self._show()
        if was_hidden and not self.offer.plan.isHidden():
            self._layout.bring_into_view(self.offer.plan)

    def _reading(self) -> OfferReading:
        name = self.list.chosen
        if not name or name not in [row.key for row in self.list.rows.rows]:
            return OfferReading()
        folder, fit = self._folder(), self._fits.of(name)
        around = Surroundings(
            place_of(name, folder),
            self._free_bytes(folder),
            self._path_here(name),
            self._downloads.of(name, folder),
            fit.summary if fit is not None else None,
        )
        for entry in self._search.entries:
            if entry.name == name:
                return read_entry_offer(entry, around, self._language)
        return read_typed_offer(name, self._search.lookups.get(name.casefold()), around, self._language)

    def _path_here(self, name: str) -> str:
        path = path_here(name, self._folder(), (model.key for model in self._library.models if not model.is_missing))
        download = self._downloads.of(name, self._folder())
        if path or download is None or download.state is not DownloadState.DONE:
            return path
        return download.path if os.path.exists(download.path) else ""

    # What a person does

    def _do(self, deed: OfferDeed) -> None:
        reading, name = self.offer.reading, self.list.chosen
        match deed:
            case OfferDeed.LOOK_UP:
                self._search.look_up(name, self._folder())
            case OfferDeed.DOWNLOAD | OfferDeed.RESUME:
                self._fits.keep_choice(name)
                self._downloads.add(name, self._folder(), reading.title, self._size_of(name))
            case OfferDeed.SHOW:
                self.model_wanted.emit(reading.path)

    def _choose_plan(self, choice: ModelChoice) -> None:
        """Plan with `choice`; a model that is on its way is loaded with it later."""
        name, folder = self.list.chosen, self._folder()
        self._fits.choose(name, folder, choice)
        if self._downloads.of(name, folder) is not None:
            self._fits.keep_choice(name)

    def _size_of(self, name: str) -> int:
        """Return how many bytes a model has, where that is known exactly; else 0."""
        lookup = self._search.lookups.get(name.casefold())
        if lookup is not None and lookup.offer is not None:
            return lookup.offer.n_bytes
        return next((e.size_bytes for e in self._search.entries if e.name == name and e.is_exact), 0)

    def _ask_to_remove(self, key: tuple[str, str]) -> None:
        """Ask what is to become of what has come; where nothing has, there is nothing to ask."""
        download = self._downloads.of(*key)
        if download is None:
            return
        if download.state is DownloadState.DONE or not download.done_bytes:
            self._downloads.remove(key, with_files=False)
            return
        self._close_question()
        self.question = self._new_question(download)
        self.question.open()

    def _new_question(self, download: Download) -> QMessageBox:
        box = QMessageBox(self)
        box.setWindowTitle(self.tr("Cancel the download"))
        box.setText(self.tr("What is to become of what has come of {title}?").format(title=download.title))
        kept = self._language.size(download.done_bytes)
        box.setInformativeText(self.tr("It takes {size}. Kept, a later download goes on from there.").format(size=kept))
        keep = box.addButton(self.tr("&Keep it"), QMessageBox.ButtonRole.AcceptRole)
        delete = box.addButton(self.tr("&Delete it"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(self.tr("&Go on downloading"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        keep.clicked.connect(lambda: self._downloads.remove(download.key, with_files=False))
        delete.clicked.connect(lambda: self._downloads.remove(download.key, with_files=True))
        box.finished.connect(lambda _: self._close_question())
        return box

    def _close_question(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _go_to_list(self) -> None:
        if self.list.rows.rows:
            self.list.view.setFocus()

    def _look_at_disk(self) -> None:
        if self.isVisible():
            self._library.set_sources(self._folder(), self._settings.current.other_models)

    def _folder(self) -> str:
        return os.path.abspath(os.path.expanduser(self._settings.current.models_folder or self._default_folder))
