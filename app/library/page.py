"""The page of models: the list, and the detail of the one that is chosen; connects library, model and settings."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from offload_app.gauges.readings.language import Language
from offload_app.library.detail import ModelDetail
from offload_app.library.library import Library
from offload_app.library.library_page import LibraryPage
from offload_app.library.model_list import ModelList
from offload_app.library.page_head import PageHead
from offload_app.library.readings.detail import read_detail
from offload_app.library.readings.folder_words import folder_words
from offload_app.library.readings.model_row import ModelRow, loaded_key, read_row
from offload_app.library.readings.pack import PackOffer, read_pack
from offload_app.library.shelf import DEMO, ShelvedModel
from offload_app.library.sides import Shares, Sides
from offload_app.model_choices import ModelChoice
from offload_app.model_config import plan_config_of
from offload_app.model_control import ModelControl
from offload_app.model_folder import first_file, is_below
from offload_app.settings import Settings, with_other_model
from offload_app.settings_control import SettingsControl
from offload_app.theme import SIZES, Theme


class ModelPage(LibraryPage):
    """Shows `library`, and opens models through `model`. Thread rule: the UI thread only."""

    file_wanted = Signal()
    """A person wants to choose a file."""
    more_wanted = Signal()
    """A person wants models that are not here yet."""

    def __init__(
        self,
        library: Library,
        model: ModelControl,
        settings: SettingsControl,
        theme: Theme,
        default_folder: Path,
        *,
        free_bytes: Callable[[str], int | None],
        language: Language | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(library, settings, default_folder, language=language, free_bytes=free_bytes, parent=parent)
        self._model = model
        self._choices: dict[str, ModelChoice] = {}
        """What was chosen since the start, whether it was loaded with or not."""
        self._rows: dict[str, tuple[ShelvedModel, ModelRow]] = {}
        self._awaited: str | None = None
        """What was chosen before it was listed."""
        self._planned_for: object = None
        self.list = ModelList(theme)
        self.detail = ModelDetail(theme, self._language)
        self.folder = QLabel()
        self.more = QPushButton(self.tr("&Get models…"))
        self.open_file = QPushButton(self.tr("&Open file…"))
        self.back = QPushButton(self.tr("&Back to chat"))
        self.setAccessibleName(self.tr("Models"))
        self._lay_out(
            PageHead(self.tr("Models"), self.back, self.more, self.open_file),
            Sides(self._list_side(), self.detail, beside=Shares(320, 600), below=Shares(200, 500)),
        )
        self._connect()
        self.set_theme(theme)
        self._show_models()

    @property
    def chosen(self) -> str:
        """Return the key of the model that is chosen."""
        return self.list.chosen

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        super().set_theme(theme)
        self.list.set_theme(theme)
        self.detail.set_theme(theme)

    def remember(self, path: str) -> None:
        """List the model of file `path` from now on, wherever it lies; the empty path is the demo model's."""
        known = self._library.model(DEMO)
        if path and not is_below(path, self._folder()) and (known is None or path != known.path):
            self._settings.change(other_models=with_other_model(self._settings.current, first_file(path)))

    def take_file(self, path: str) -> None:
        """List the model of file `path` from now on, and open it; where the page is shown, only show its detail."""
        self.remember(path)
        if not self.isVisible():
            self._model.open(path)
            return
        self.show_model(path)
        self._look_at_disk()

    def show_model(self, path: str) -> None:
        """Choose the model of file `path`, now or when it is listed."""
        self._awaited = os.path.abspath(first_file(path))
        self.list.choose(self._awaited)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Follow the disk, and plan anew: what is free may have changed."""
        super().showEvent(event)
        self._planned_for = None
        self._show_models()
        self.list.setFocus()

    def _connect(self) -> None:
        self._library.changed.connect(self._show_models)
        self._library.outlook_changed.connect(self._show_plan)
        self._model.status_changed.connect(lambda _: self._show_models())
        self._settings.changed.connect(self._on_settings)
        self.list.changed.connect(self._on_chosen)
        self.list.activated.connect(lambda _: self._load())
        self.open_file.clicked.connect(self.file_wanted)
        self.more.clicked.connect(self.more_wanted)
        detail = self.detail
        detail.load.clicked.connect(self._load)
        detail.unload.clicked.connect(self._model.unload)
        detail.show_folder.clicked.connect(self._show_in_folder)
        detail.forget.clicked.connect(self._forget)
        detail.plan.chosen.connect(self._choose_plan)
        detail.pack.wanted.connect(self._pack)

    # What is shown

    def _show_models(self) -> None:
        if not self.isVisible():
            return
        loaded = loaded_key(self._model.status)
        self.list.show_rows(tuple(self._row(model, model.key == loaded) for model in self._library.models))
        words = folder_words(self._library.scan, self._language)
        self.folder.setText(words)
        self.folder.setVisible(bool(words))
        self._show_detail()

    def _row(self, model: ShelvedModel, is_loaded: bool) -> ModelRow:
        """Return the row of `model`; read anew only where something of it changed."""
        known = self._rows.get(model.key)
        if known is None or known[0] is not model or known[1].is_loaded != is_loaded:
            known = self._rows[model.key] = (model, read_row(model, is_loaded=is_loaded, language=self._language))
        return known[1]

    def _show_detail(self) -> None:
        model = self._chosen_model()
        if model is None:
            return
        self._plan(model)
        self._show_plan()
        free = self._free_bytes(os.path.dirname(model.path)) if model.path and model.summary is not None else None
        self.detail.pack.show_reading(read_pack(model, free, self._language))

    def _chosen_model(self) -> ShelvedModel | None:
        """Return what is known of the chosen model; of one that went away, that; None: it is about to be listed."""
        model = self._library.model(self.chosen)
        if model is not None:
            self._awaited = None
        elif self.chosen != self._awaited:
            return ShelvedModel(self.chosen)
        return model

    def _show_plan(self) -> None:
        model = self._chosen_model()
        if model is None:
            return
        outlook = self._library.outlook
        is_current = outlook is not None and outlook.key == model.key
        context_length = model.summary.context_length if model.summary is not None else 0
        self.detail.plan.show_plan(
            outlook if is_current else None, self._choice(), context_length, self._settings.current.budget
        )
        plan, can_unload = self.detail.plan.reading, self._model.can_unload
        self.detail.show_reading(
            read_detail(model, self._model.status, plan, can_unload=can_unload, language=self._language)
        )

    def _plan(self, model: ShelvedModel) -> None:
        """Have the chosen model planned, where that was not done as it is now."""
        if model.summary is None or model.is_missing:
            return
        settings = self._settings.current
        wanted = (model.key, model.summary, plan_config_of(settings, self._choice().n_ctx))
        if wanted != self._planned_for:
            self._planned_for = wanted
            self._library.plan(model.key, wanted[2])

    # What a person does

    def _on_chosen(self, key: str) -> None:
        self._library.look_first_at(key)
        self._show_detail()

    def _choice(self) -> ModelChoice:
        return self._choices.get(self.chosen, self._settings.current.choices.of(self.chosen))

    def _choose_plan(self, choice: ModelChoice) -> None:
        self._choices[self.chosen] = choice
        self._show_detail()

    def _load(self) -> None:
        if self.detail.load.isEnabled():
            key = self.chosen
            self._settings.change(choices=self._settings.current.choices.with_choice(key, self._choice()))
            self._model.open(key or None)

    def _pack(self, offer: PackOffer) -> None:
        if offer is PackOffer.CANCEL:
            self._library.cancel_packing(self.chosen)
        elif offer in (PackOffer.PACK, PackOffer.PACK_AGAIN):
            self._library.pack(self.chosen, force=offer is PackOffer.PACK_AGAIN)

    def _show_in_folder(self) -> None:
        model = self._library.model(self.chosen)
        if model is not None and model.path:
            QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.dirname(model.path)))

    def _forget(self) -> None:
        others = self._settings.current.other_models
        self._settings.change(other_models=tuple(path for path in others if path != self.chosen))

    def _on_settings(self, before: Settings, now: Settings) -> None:
        if not self.isVisible():
            return
        if (before.models_folder, before.other_models) != (now.models_folder, now.other_models):
            self._look_at_disk()
        self._show_models()

    def _list_side(self) -> QWidget:
        self.folder.setObjectName("hint")
        self.folder.setWordWrap(True)
        self.folder.setTextFormat(Qt.TextFormat.PlainText)
        self.folder.setContentsMargins(SIZES.margin + 4, 0, SIZES.margin, SIZES.small_gap)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.list, 1)
        column.addWidget(self.folder)
        return side
