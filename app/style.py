"""Style: the palette of a theme, and the appearance of the whole application."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from offload_app.settings import Settings, ThemeChoice
from offload_app.style_sheet import sheet_of
from offload_app.theme import DARK, LIGHT, Theme


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
