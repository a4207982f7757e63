"""The panes: conversations, chat and gauges side by side, as wide as a person drew them; gauges also as one line."""

import binascii

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from offload_app.gauges.panel import GaugePanel
from offload_app.theme import SIZES

_NARROWEST_LIST = 180
_NARROWEST_CHAT = 320


class Panes(QWidget):
    """Lays out three widgets. Thread rule: the UI thread only."""

    def __init__(
        self, conversations: QWidget, chat: QWidget, gauges: GaugePanel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._list, self._gauges = conversations, gauges
        conversations.setMinimumWidth(_NARROWEST_LIST)
        chat.setMinimumWidth(_NARROWEST_CHAT)
        gauges.setMaximumWidth(2 * SIZES.widest_panel)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        for widget in (conversations, chat, gauges):
            self._splitter.addWidget(widget)
        # The chat gets what a wider window brings.
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([220, 10_000, (SIZES.narrowest_panel + SIZES.widest_panel) // 2])
        self._splitter.setAccessibleName(self.tr("Panes"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self._splitter, 1)

    def show_list(self, is_shown: bool) -> None:
        """Show or hide the conversations."""
        self._list.setVisible(is_shown)

    def show_gauges(self, is_shown: bool) -> None:
        """Show or hide the gauges."""
        self._gauges.setVisible(is_shown)

    def set_compact(self, is_compact: bool) -> None:
        """Show the gauges as one line below, or as a pane at the side."""
        if is_compact == self._gauges.is_compact:
            return
        is_shown = not self._gauges.isHidden()
        if is_compact:
            self._gauges.setMaximumWidth(16_777_215)
            self._column.addWidget(self._gauges)
        else:
            self._gauges.setMaximumWidth(2 * SIZES.widest_panel)
            self._splitter.addWidget(self._gauges)
        self._gauges.set_compact(is_compact)
        self._gauges.setVisible(is_shown)

    @property
    def widths(self) -> str:
        """Return the widths as text to keep."""
        return bytes(self._splitter.saveState().toBase64().data()).decode("ascii")

    def set_widths(self, text: str) -> None:
        """Take widths that were kept; nothing where they make no sense."""
        try:
            state = binascii.a2b_base64(text)
        except (binascii.Error, ValueError):
            return
        if state:
            self._splitter.restoreState(QByteArray(state))
            self._splitter.setHandleWidth(1)
            self._splitter.setChildrenCollapsible(False)
