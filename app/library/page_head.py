"""`PageHead`: the title of a page, the button that leaves it, and what else can be done, in one row or two."""

from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton

from offload_app.theme import SIZES

NARROW_HEAD = 480
"""Least width at which title and buttons stand in one row."""


class PageHead(QBoxLayout):
    """Lays out `title`, `back` at the right of it, and `buttons`. Thread rule: the UI thread only."""

    def __init__(self, title: str, back: QPushButton, *buttons: QPushButton) -> None:
        super().__init__(QBoxLayout.Direction.LeftToRight)
        self.back = back
        label = QLabel(title)
        label.setObjectName("pageTitle")
        back.setObjectName("quiet")
        self.setContentsMargins(SIZES.margin + 4, SIZES.gap, SIZES.margin, SIZES.gap)
        self.setSpacing(SIZES.gap)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(label)
        first.addStretch(1)
        first.addWidget(back)
        for button in buttons:
            second.addWidget(button)
        for row in (first, second) if buttons else (first,):
            row.setSpacing(SIZES.gap)
            self.addLayout(row)
        self.setStretch(0, 1)

    def fit(self, width: int) -> None:
        """Lay out for a page of that width."""
        is_wide = width >= NARROW_HEAD
        self.setDirection(QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom)
