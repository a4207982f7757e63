"""The page of models to get: the catalogue, the offer of the one that is chosen, and the downloads."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.detail_area import DetailArea
from offload_app.library.download import DownloadState
from offload_app.library.download_list import DownloadList
from offload_app.library.downloads import Downloads
from offload_app.library.hub_fits import HubFits
from offload_app.library.library import Library
from offload_app.library.library_page import LibraryPage
from offload_app.library.model_search import ModelSearch
from offload_app.library.offer_card import OfferCard
from offload_app.library.page_head import PageHead
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
from offload_app.library.removal_question import RemovalQuestion
from offload_app.library.search_side import SearchSide
from offload_app.library.sides import Shares, Sides
from offload_app.model_choices import ModelChoice
from offload_app.settings_control import SettingsControl
from offload_app.theme import SIZES, Theme


class FindPage(LibraryPage):
    """Shows what `search` knows, and gives `downloads` their work. Thread rule: the UI thread only."""

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
        free_bytes: Callable[[str], int | None],
        language: Language | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(library, settings, default_folder, language=language, free_bytes=free_bytes, parent=parent)
        self._search, self._fits, self._downloads = search, fits, downloads
        self.search = SearchSide(theme)
        self.field, self.list = self.search.field, self.search.list
        self.offer = OfferCard(theme, self._language)
        self.downloads = DownloadList(theme)
        self.back = QPushButton(self.tr("&Back to models"))
        self.question: RemovalQuestion | None = None
        self._area = self._detail_side()
        self.setAccessibleName(self.tr("Get models"))
        self._lay_out(
            PageHead(self.tr("Get models"), self.back),
            Sides(self.search, self._area, beside=Shares(360, 560), below=Shares(220, 480)),
        )
        self._connect()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        super().set_theme(theme)
        for part in (self.search, self.offer, self.downloads):
            part.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Have the catalogue read, and follow the disk."""
        self._search.begin()
        super().showEvent(event)
        self._show()
        self.field.setFocus()

    def _connect(self) -> None:
        self._search.changed.connect(self._show)
        self._fits.changed.connect(self._show_fit)
        self._downloads.changed.connect(self._show)
        self._downloads.finished.connect(lambda _: self._look_again())
        self._library.changed.connect(self._show)
        self._settings.changed.connect(lambda *_: self._show())
        self.field.textChanged.connect(lambda _: self._show())
        self.list.changed.connect(lambda _: self._show_offer())
        self.list.activated.connect(lambda _: self.offer.button.click())
        self.offer.wanted.connect(self._do)
        self.offer.fit_wanted.connect(lambda: self._fits.ask(self.list.chosen, self._folder()))
        self.offer.plan.chosen.connect(self._choose_plan)
        self.downloads.pause_wanted.connect(self._downloads.pause)
        self.downloads.resume_wanted.connect(self._downloads.resume)
        self.downloads.removal_wanted.connect(self._ask_to_remove)

    # What is shown

    def _show(self) -> None:
        if not self.isVisible():
            return
        rows = self._rows()
        words = catalog_words(len(rows), self._search.refusal, self.field.text(), self._language)
        self.search.show_found(rows, words)
        self._show_offer()
        # What is done needs nobody's eyes any more.
        downloads = sorted(self._downloads.all, key=lambda download: download.state is DownloadState.DONE)
        self.downloads.show_rows(read_download(download, self._language) for download in downloads)

    def _rows(self) -> tuple[ModelRow, ...]:
        query, entries = self.field.text(), self._search.entries
        found = found_entries(entries, query)
        rows = [entry_row(entry, *self._state_of(entry.name), self._language) for entry in found]
        name = typed_name(query)
        if name and not is_listed(entries, name):
            lookup = self._search.lookups.get(name.casefold())
            rows.insert(0, typed_row(name, lookup, *self._state_of(name), self._language))
        return tuple(rows)

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
            self._area.bring_into_view(self.offer.plan)

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
        self.question = RemovalQuestion(download, self._language, self)
        self.question.answered.connect(lambda with_files: self._downloads.remove(key, with_files=with_files))
        self.question.finished.connect(lambda _: self._close_question())
        self.question.open()

    def _close_question(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _look_again(self) -> None:
        if self.isVisible():
            self._look_at_disk()

    def _detail_side(self) -> DetailArea:
        area = DetailArea(top=SIZES.gap, spacing=2 * SIZES.margin)
        area.setAccessibleName(self.tr("Offer and downloads"))
        area.column.addWidget(self.offer)
        area.column.addWidget(self.downloads)
        area.column.addStretch(1)
        return area
