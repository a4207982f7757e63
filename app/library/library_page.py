"""`LibraryPage`: what the pages of models have in common: where their parts lie, and that they follow the disk."""

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from offload_app.gauges.panel import language_of_qt
from offload_app.gauges.readings.language import Language
from offload_app.library.library import Library
from offload_app.library.page_head import PageHead
from offload_app.library.sides import Sides
from offload_app.library.style import library_style
from offload_app.settings_control import SettingsControl
from offload_app.theme import Theme


class LibraryPage(QWidget):
    """A page over `library`, of the folder that is set, else of `default_folder`. Thread rule: the UI thread only."""

    left = Signal()
    """A person wants to go back to where the page was opened from."""

    def __init__(
        self,
        library: Library,
        settings: SettingsControl,
        default_folder: Path,
        *,
        free_bytes: Callable[[str], int | None],
        language: Language | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("modelPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._library, self._settings = library, settings
        self._default_folder, self._free_bytes = default_folder, free_bytes
        self._language = language if language is not None else language_of_qt()
        QShortcut(
            QKeySequence(Qt.Key.Key_Escape), self, self.left.emit, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.setStyleSheet(library_style(theme))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Follow the disk while the page is seen."""
        super().showEvent(event)
        self._look_at_disk()
        self._library.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Let the disk rest; downloads go on."""
        super().hideEvent(event)
        self._library.set_active(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Put the detail beside the list where there is room, else below it; likewise the buttons beside the title."""
        super().resizeEvent(event)
        self.head.fit(self.width())
        self.sides.fit(self.width())

    def _lay_out(self, head: PageHead, sides: Sides) -> None:
        """Put `sides` below `head`; once, before the page is shown."""
        self.head, self.sides = head, sides
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(sides, 1)
        head.back.clicked.connect(self.left)

    def _look_at_disk(self) -> None:
        self._library.set_sources(self._folder(), self._settings.current.other_models)

    def _folder(self) -> str:
        return os.path.abspath(os.path.expanduser(self._settings.current.models_folder or self._default_folder))
