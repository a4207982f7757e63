"""Style: the palette and the style sheet of a theme, and the appearance of the whole application.

The sheet is short: colours come from the palette, and only shapes that Qt's own style draws differently on each system
are set here.
"""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from offload_app.settings import Settings, ThemeChoice
from offload_app.theme import DARK, LIGHT, SIZES, Theme

_SHEET = """
QMainWindow, QDialog {{ background: {window}; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {border}; padding: {small_gap}px; }}
QMenuBar {{ background: {window}; color: {text}; }}
QMenuBar::item {{ padding: {small_gap}px {gap}px; background: transparent; }}
QMenuBar::item:selected {{ background: {selection}; border-radius: {small_gap}px; }}
QMenu {{ background: {surface}; color: {text}; border: 1px solid {border}; padding: {small_gap}px; }}
QMenu::item {{ padding: {small_gap}px {wide}px; border-radius: {small_gap}px; }}
QMenu::item:selected {{ background: {selection}; }}
QMenu::item:disabled {{ color: {muted}; }}
QMenu::separator {{ height: 1px; background: {border}; margin: {small_gap}px; }}
QStatusBar {{ background: {window}; color: {muted}; border-top: 1px solid {border}; }}
QStatusBar::item {{ border: none; }}
QSplitter::handle {{ background: {border}; }}
QPushButton {{ background: {raised}; color: {text}; border: 1px solid {border}; border-radius: {radius}px;
    padding: {small_gap}px {margin}px; }}
QPushButton:hover {{ background: {selection}; }}
QPushButton:focus {{ border: {focus_line}px solid {accent}; padding: {focus_pad}px {focus_wide}px; }}
QPushButton:default {{ background: {accent}; color: {on_accent}; border-color: {accent}; }}
QPushButton:default:focus {{ border-color: {text}; }}
QPushButton:disabled {{ color: {muted}; }}
QDialog QLineEdit {{ background: {surface}; border: 1px solid {border}; border-radius: {small_gap}px; padding: 2px; }}
QDialog QLineEdit:focus {{ border-color: {accent}; }}
QCheckBox::indicator:unchecked {{ background: {surface}; border: 1px solid {muted}; border-radius: 3px;
    width: 13px; height: 13px; }}
QProgressBar {{ background: {track}; color: {text}; border: none; border-radius: {small_gap}px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: {small_gap}px; }}
"""


def palette_of(theme: Theme) -> QPalette:
    """Return the palette of `theme`, every group and role that Qt paints with."""
    # Qt derives the shades of frames and scroll bars from these two.
    palette = QPalette(QColor(theme.raised), QColor(theme.window))
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Accent: theme.accent,
    }
    for name, colour in colours.items():
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.muted))
    return palette


def sheet_of(theme: Theme) -> str:
    """Return the style sheet of `theme`."""
    return _SHEET.format(
        window=theme.window,
        surface=theme.surface,
        raised=theme.raised,
        border=theme.border,
        text=theme.text,
        muted=theme.muted,
        accent=theme.accent,
        on_accent=theme.on_accent,
        selection=theme.selection,
        track=theme.track,
        margin=SIZES.margin,
        gap=SIZES.gap,
        small_gap=SIZES.small_gap,
        radius=SIZES.radius,
        focus_line=SIZES.focus_line,
        focus_pad=SIZES.small_gap - SIZES.focus_line + 1,
        focus_wide=SIZES.margin - SIZES.focus_line + 1,
        wide=2 * SIZES.margin,
    )


def theme_for(choice: ThemeChoice, scheme: Qt.ColorScheme) -> Theme:
    """Return the theme of a choice, where the system prefers `scheme`; light where it does not say."""
    match choice:
        case ThemeChoice.LIGHT:
            return LIGHT
        case ThemeChoice.DARK:
            return DARK
        case ThemeChoice.SYSTEM:
            return DARK if scheme is Qt.ColorScheme.Dark else LIGHT


class Appearance(QObject):
    """Puts the chosen theme and font into the application, and follows the system where that is chosen."""

    theme_changed = Signal(object)
    """Theme: the one in force now."""

    def __init__(self, application: QApplication, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._application = application
        self._system_font = QFont(application.font())
        self._choice = settings.theme
        self._scheme = QGuiApplication.styleHints().colorScheme()
        self._theme = theme_for(self._choice, self._scheme)
        self._font_points = 0
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.follow)
        self._paint()
        self._set_font(settings.font_points)

    @property
    def theme(self) -> Theme:
        """Return the theme in force."""
        return self._theme

    def apply(self, settings: Settings) -> None:
        """Use the theme and the font of `settings` from now on."""
        self._choice = settings.theme
        self._set_font(settings.font_points)
        self._choose()

    def follow(self, scheme: Qt.ColorScheme) -> None:
        """Take `scheme` for what the system prefers."""
        self._scheme = scheme
        self._choose()

    def _choose(self) -> None:
        theme = theme_for(self._choice, self._scheme)
        if theme is not self._theme:
            self._theme = theme
            self._paint()
            self.theme_changed.emit(theme)

    def _paint(self) -> None:
        self._application.setPalette(palette_of(self._theme))
        self._application.setStyleSheet(sheet_of(self._theme))

    def _set_font(self, points: int) -> None:
        if points != self._font_points:
            self._font_points = points
            font = QFont(self._system_font)
            if points:
                font.setPointSize(points)
            self._application.setFont(font)
