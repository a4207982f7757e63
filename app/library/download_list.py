"""The list of downloads: one row for each, with how far it is and what can be done with it."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from offload_app.library.elided_label import ElidedLabel
from offload_app.library.readings.download_words import DownloadRow
from offload_app.theme import SIZES, Theme

_STEPS = 1000


class DownloadList(QWidget):
    """Shows rows, and tells what a person wants. Thread rule: the UI thread only."""

    pause_wanted = Signal(object)
    """Key of a download."""
    resume_wanted = Signal(object)
    removal_wanted = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cards: dict[tuple[str, str], DownloadCard] = {}
        title = QLabel(self.tr("Downloads"))
        title.setObjectName("strong")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SIZES.gap)
        self._column.addWidget(title)
        self.setAccessibleName(self.tr("Downloads"))
        self.setVisible(False)

    @property
    def cards(self) -> tuple["DownloadCard", ...]:
        """Return what is shown, in its order."""
        return tuple(self._cards.values())

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        for card in self.cards:
            card.set_theme(theme)

    def show_rows(self, rows: Iterable[DownloadRow]) -> None:
        """Show `rows`; a card stays as long as its download, so that no button goes away under the mouse."""
        wanted = {row.key: row for row in rows}
        for key in [key for key in self._cards if key not in wanted]:
            card = self._cards.pop(key)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        if [key for key in wanted if key in self._cards] != list(self._cards):
            self._cards = {key: self._cards[key] for key in wanted if key in self._cards}
        for place, (key, row) in enumerate(wanted.items(), start=1):
            if key not in self._cards:
                self._cards[key] = self._new_card(row)
            card = self._cards[key]
            if self._column.indexOf(card) != place:
                self._column.insertWidget(place, card)
            card.show_row(row)
        self._cards = {key: self._cards[key] for key in wanted}
        self.setVisible(bool(wanted))

    def _new_card(self, row: DownloadRow) -> "DownloadCard":
        card = DownloadCard(self._theme, self)
        card.pause.clicked.connect(lambda: self.pause_wanted.emit(row.key))
        card.resume.clicked.connect(lambda: self.resume_wanted.emit(row.key))
        card.remove.clicked.connect(lambda: self.removal_wanted.emit(row.key))
        return card


class DownloadCard(QFrame):
    """One download: title, how far it is, its buttons. UI thread only."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._row: DownloadRow | None = None
        self.title = ElidedLabel()
        self.text, self.trouble = QLabel(), QLabel()
        self.progress = QProgressBar(minimum=0, maximum=_STEPS, textVisible=False)
        self.pause, self.resume = QPushButton(self.tr("Pause")), QPushButton(self.tr("Resume"))
        self.remove = QPushButton(self.tr("Cancel"))
        self._lay_out()
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self.trouble.setStyleSheet(f"color: {theme.error};")

    def show_row(self, row: DownloadRow) -> None:
        """Show `row`; nothing changes where it is the one that is shown."""
        if row == self._row:
            return
        self._row = row
        self.title.show_text(row.title)
        self.text.setText(row.text)
        self.trouble.setText(row.trouble)
        self.trouble.setVisible(bool(row.trouble))
        self.progress.setVisible(row.fraction is not None)
        self.progress.setValue(round(_STEPS * (row.fraction or 0.0)))
        self.pause.setVisible(not row.can_resume and not row.is_done)
        self.pause.setEnabled(row.can_pause)
        self.resume.setVisible(row.can_resume)
        self.resume.setText(self.tr("Try again") if row.is_retry else self.tr("Resume"))
        self.remove.setText(self.tr("Put away") if row.is_done else self.tr("Cancel"))
        self.remove.setEnabled(row.can_remove)
        spoken = f"{row.title}: {row.text}. {row.trouble}".strip()
        self.setAccessibleName(spoken)
        self.progress.setAccessibleName(row.title)
        for button in (self.pause, self.resume, self.remove):
            button.setAccessibleDescription(spoken)

    def _lay_out(self) -> None:
        self.text.setObjectName("muted")
        self.remove.setObjectName("quiet")
        self.progress.setFixedHeight(SIZES.gap)
        for label in (self.text, self.trouble):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        upper = QHBoxLayout()
        upper.setSpacing(SIZES.gap)
        upper.addWidget(self.title, 1)
        for button in (self.pause, self.resume, self.remove):
            upper.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.margin, SIZES.gap)
        column.setSpacing(SIZES.small_gap)
        column.addLayout(upper)
        for part in (self.progress, self.text, self.trouble):
            column.addWidget(part)
