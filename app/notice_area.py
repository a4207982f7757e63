"""The notice area: paints the notices above the chat, one bar for each subject, and tells what a person chose."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from offload_app.notice import Choice, Notice, Subject, Weight
from offload_app.theme import SIZES, Theme

_STEPS = 1000


class NoticeArea(QWidget):
    """All notices that hold now. Thread rule: the UI thread only."""

    chosen = Signal(object, object)
    """Subject and Choice: a button was pressed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: dict[Subject, NoticeBar] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.setAccessibleName(self.tr("Notices"))
        self.setVisible(False)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return the notices that are shown, in the order of their subjects' first."""
        return tuple(bar.notice for bar in self._bars.values())

    def show_notice(self, notice: Notice) -> None:
        """Show `notice`, in the place of the one of its subject."""
        bar = self._bars.get(notice.subject)
        if bar is not None and bar.takes(notice):
            bar.show_notice(notice)
            return
        self.clear(notice.subject)
        bar = NoticeBar(notice, self._theme, lambda choice: self.chosen.emit(notice.subject, choice), self)
        self._bars[notice.subject] = bar
        self._column.addWidget(bar)
        self.setVisible(True)

    def clear(self, subject: Subject) -> None:
        """Take away the notice of `subject`, where there is one."""
        bar = self._bars.pop(subject, None)
        if bar is not None:
            self._column.removeWidget(bar)
            bar.hide()
            bar.deleteLater()
        self.setVisible(bool(self._bars))

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        self._theme = theme
        for bar in self._bars.values():
            bar.set_theme(theme)


class NoticeBar(QFrame):
    """One notice: its text, how far it is, and its buttons."""

    def __init__(
        self, notice: Notice, theme: Theme, choose: Callable[[Choice], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.notice = notice
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._progress = QProgressBar(minimum=0, maximum=_STEPS, textVisible=False)
        self._progress.setFixedHeight(SIZES.gap)
        self._progress.setAccessibleName(self.tr("Progress"))
        words = QVBoxLayout()
        words.addWidget(self._text)
        words.addWidget(self._progress)
        row = QHBoxLayout(self)
        row.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.margin, SIZES.gap)
        row.setSpacing(SIZES.gap)
        row.addLayout(words, 1)
        for button in self._buttons(choose):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.set_theme(theme)
        self.show_notice(notice)

    def takes(self, notice: Notice) -> bool:
        """Return whether `notice` has the same buttons, so that none a person is about to press goes away."""
        return (notice.choices, notice.weight, notice.details) == (
            self.notice.choices,
            self.notice.weight,
            self.notice.details,
        )

    def show_notice(self, notice: Notice) -> None:
        """Show the text and the progress of `notice`."""
        self.notice = notice
        self._text.setText(notice.text)
        self.setAccessibleName(notice.text)
        self._progress.setVisible(notice.fraction is not None)
        self._progress.setValue(round(_STEPS * (notice.fraction or 0.0)))

    def set_theme(self, theme: Theme) -> None:
        """Paint in the colours of `theme` from now on."""
        edge = {Weight.NEWS: theme.accent, Weight.WARNING: theme.warning, Weight.ERROR: theme.error}
        self.setObjectName("notice")
        self.setStyleSheet(
            f"#notice {{ background: {theme.surface}; border: none; border-bottom: 1px solid {theme.border}; "
            f"border-left: {SIZES.small_gap}px solid {edge[self.notice.weight]}; }}"
        )

    def _buttons(self, choose: Callable[[Choice], None]) -> list[QPushButton]:
        buttons = []
        if self.notice.details:
            copy = QPushButton(self.tr("Copy details"))
            copy.setToolTip(self.notice.details)
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.notice.details))
            buttons.append(copy)
        for choice in reversed(self.notice.choices):
            button = QPushButton(_name(choice))
            button.setDefault(choice is self.notice.choices[0] and choice is not Choice.DISMISS)
            button.setAccessibleDescription(self.notice.text)
            button.setObjectName(choice.value)
            button.clicked.connect(lambda _=False, choice=choice: choose(choice))
            buttons.append(button)
        return buttons


def _name(choice: Choice) -> str:
    def tr(text: str) -> str:
        return QCoreApplication.translate("NoticeBar", text)

    match choice:
        case Choice.LOAD:
            return tr("Load")
        case Choice.CANCEL:
            return tr("Cancel")
        case Choice.RESTART:
            return tr("Restart")
        case Choice.SMALLER_BUDGET:
            return tr("Use a smaller budget")
        case Choice.LOAD_ANYWAY:
            return tr("Load anyway")
        case Choice.USE_DEMO:
            return tr("Use the demo model")
        case Choice.CHOOSE_FILE:
            return tr("Choose another file…")
        case Choice.END_WORKER:
            return tr("End it")
        case Choice.DISMISS:
            return tr("Dismiss")
