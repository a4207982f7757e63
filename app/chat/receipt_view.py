"""`ReceiptView`: a small table of what an answer took."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from offload_app.chat.receipt_reading import Row
from offload_app.theme import SIZES


class ReceiptView(QFrame):
    """Shows the rows of one receipt. UI thread only."""

    def __init__(self, rows: tuple[Row, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("receipt")
        self.setAccessibleName(self.tr("Receipt of the answer"))
        self.setAccessibleDescription("; ".join(f"{row.label}: {row.value}" for row in rows))
        grid = QGridLayout(self)
        grid.setContentsMargins(SIZES.margin, SIZES.gap, SIZES.margin, SIZES.gap)
        grid.setHorizontalSpacing(SIZES.margin * 2)
        grid.setVerticalSpacing(SIZES.small_gap)
        grid.setColumnStretch(1, 1)
        for number, row in enumerate(rows):
            label, value = QLabel(row.label), QLabel(row.value)
            label.setObjectName("muted")
            value.setWordWrap(True)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, number, 1)
