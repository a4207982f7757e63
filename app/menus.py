"""The menu bar: which action lies in which menu."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenuBar

from offload_app.window_actions import WindowActions

_SEPARATOR = None


def fill_menus(bar: QMenuBar, actions: WindowActions, chat: Sequence[QAction]) -> None:
    """Put `actions` and those of the chat into the menus of `bar`."""
    menus: tuple[tuple[str, Sequence[QAction | None]], ...] = (
        (
            _tr("&File"),
            (
                actions.import_conversation,
                actions.export_conversation,
                _SEPARATOR,
                actions.preferences,
                _SEPARATOR,
                actions.quit,
            ),
        ),
        (
            _tr("&Chat"),
            (
                *chat,
                _SEPARATOR,
                actions.search,
                actions.previous_conversation,
                actions.next_conversation,
                actions.go_to_list,
                actions.go_to_chat,
            ),
        ),
        (
            _tr("&Model"),
            (
                actions.show_models,
                actions.find_models,
                _SEPARATOR,
                actions.open_model,
                actions.demo_model,
                _SEPARATOR,
                actions.reload_model,
                actions.unload_model,
            ),
        ),
        (
            _tr("&View"),
            (
                actions.show_list,
                actions.show_gauges,
                actions.compact_gauges,
                _SEPARATOR,
                actions.larger_text,
                actions.smaller_text,
                actions.normal_text,
            ),
        ),
        (_tr("&Help"), (actions.explain_gauges, actions.about)),
    )
    for title, entries in menus:
        menu = bar.addMenu(title)
        for entry in entries:
            if entry is _SEPARATOR:
                menu.addSeparator()
            else:
                menu.addAction(entry)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Menus", text)
