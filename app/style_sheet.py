"""The style sheet of the application: windows, menus, buttons, fields, scroll bars; made from a theme, pure.

What is styled by its kind is styled here and nowhere else. Parts of the application style only what they named.
"""

from offload_app.icons import ARROW_DOWN, ARROW_UP
from offload_app.theme import SIZES, Theme

SCROLL_BAR = 11
"""Width in pixels."""
_FIELDS = ("QLineEdit", "QComboBox", "QAbstractSpinBox")
_ARROW = 12
_FOCUS_PAD = SIZES.small_gap - SIZES.focus_line + 1
_FOCUS_WIDE = SIZES.margin - SIZES.focus_line + 1


def sheet_of(theme: Theme) -> str:
    """Return the style sheet of `theme`."""
    return "".join(part(theme) for part in (_windows, _menus, _buttons, _fields, _scroll_bars))


def _windows(theme: Theme) -> str:
    return f"""
QMainWindow, QDialog {{ background: {theme.window}; }}
QToolTip {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.border};
    padding: {SIZES.small_gap}px; }}
QStatusBar {{ background: {theme.window}; color: {theme.muted}; border-top: 1px solid {theme.border}; }}
QStatusBar::item {{ border: none; }}
QSplitter::handle {{ background: {theme.border}; }}
QProgressBar {{ background: {theme.track}; color: {theme.text}; border: none; border-radius: {SIZES.small_gap}px; }}
QProgressBar::chunk {{ background: {theme.accent}; border-radius: {SIZES.small_gap}px; }}
"""


def _menus(theme: Theme) -> str:
    return f"""
QMenuBar {{ background: {theme.window}; color: {theme.text}; }}
QMenuBar::item {{ padding: {SIZES.small_gap}px {SIZES.gap}px; background: transparent; }}
QMenuBar::item:selected {{ background: {theme.selection}; border-radius: {SIZES.small_gap}px; }}
QMenu {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};
    padding: {SIZES.small_gap}px; }}
QMenu::item {{ padding: {SIZES.small_gap}px {2 * SIZES.margin}px; border-radius: {SIZES.small_gap}px; }}
QMenu::item:selected {{ background: {theme.selection}; }}
QMenu::item:disabled {{ color: {theme.muted}; }}
QMenu::separator {{ height: 1px; background: {theme.border}; margin: {SIZES.small_gap}px; }}
"""


def _buttons(theme: Theme) -> str:
    """Return the look of buttons: plain ones, `primary` the one to press, `quiet` those at the edge of things."""
    return f"""
QPushButton {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.outline};
    border-radius: {SIZES.radius}px; padding: {SIZES.small_gap}px {SIZES.margin}px; }}
QPushButton:hover {{ background: {theme.selection}; }}
QPushButton:focus {{ border: {SIZES.focus_line}px solid {theme.accent}; padding: {_FOCUS_PAD}px {_FOCUS_WIDE}px; }}
QPushButton:default {{ background: {theme.accent}; color: {theme.on_accent}; border-color: {theme.accent}; }}
QPushButton:default:focus {{ border-color: {theme.text}; }}
QPushButton:disabled {{ color: {theme.muted}; border-color: {theme.border}; }}
QPushButton#primary {{ color: {theme.on_accent}; background: {theme.accent}; padding: 7px 18px; font-weight: 600;
    border: {SIZES.focus_line}px solid {theme.accent}; border-radius: {SIZES.radius + 2}px; }}
QPushButton#primary:focus {{ border-color: {theme.text}; }}
QPushButton#primary:disabled {{ color: {theme.muted}; background: {theme.track}; border-color: {theme.track}; }}
QPushButton#quiet {{ color: {theme.muted}; background: transparent; padding: 3px {SIZES.gap}px;
    border: 1px solid transparent; border-radius: {SIZES.radius}px; }}
QPushButton#quiet:hover, QPushButton#quiet:checked {{ color: {theme.text}; background: {theme.track}; }}
QPushButton#quiet:focus {{ border-color: {theme.accent}; color: {theme.text}; }}
QPushButton#quiet:disabled {{ color: {theme.outline}; }}
"""


def _fields(theme: Theme) -> str:
    kinds, focused = ", ".join(_FIELDS), ", ".join(f"{kind}:focus" for kind in _FIELDS)
    return f"""
{kinds} {{ color: {theme.text}; background: {theme.surface}; border: 1px solid {theme.outline};
    border-radius: {SIZES.radius}px; padding: {SIZES.small_gap}px {SIZES.gap}px;
    selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
{focused} {{ border-color: {theme.accent}; }}
QComboBox::drop-down {{ border: none; width: {_ARROW + SIZES.gap}px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url("{ARROW_DOWN.as_posix()}"); width: {_ARROW}px;
    height: {_ARROW}px; }}
QAbstractSpinBox::up-arrow {{ image: url("{ARROW_UP.as_posix()}"); width: {_ARROW}px; height: {_ARROW}px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: {_ARROW + SIZES.gap}px; }}
QComboBox QAbstractItemView {{ color: {theme.text}; background: {theme.surface}; border: 1px solid {theme.border};
    selection-background-color: {theme.selection}; selection-color: {theme.text}; }}
QCheckBox::indicator:unchecked {{ background: {theme.surface}; border: 1px solid {theme.outline}; border-radius: 3px;
    width: 13px; height: 13px; }}
"""


def _scroll_bars(theme: Theme) -> str:
    return f"""
QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: {SCROLL_BAR}px; }}
QScrollBar:horizontal {{ height: {SCROLL_BAR}px; }}
QScrollBar::handle {{ background: {theme.border}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 36px; }}
QScrollBar::handle:horizontal {{ min-width: 36px; }}
QScrollBar::handle:hover {{ background: {theme.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
