"""The appearance: colours that can be read, and the theme that is in force."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from offload_app.settings import Settings, ThemeChoice
from offload_app.style import Appearance, palette_of, theme_for
from offload_app.style_sheet import sheet_of
from offload_app.theme import DARK, LIGHT, Theme

THEMES = (LIGHT, DARK)


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    """Return the application, as it was before once the test is over."""
    font, palette, sheet = qapp.font(), qapp.palette(), qapp.styleSheet()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_palette_is_the_theme_s(theme: Theme) -> None:
    palette = palette_of(theme)
    assert palette.color(QPalette.ColorRole.Window).name() == theme.window
    assert palette.color(QPalette.ColorRole.Text).name() == theme.text
    assert palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name() == theme.muted


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_sheet_has_no_colour_of_its_own(theme: Theme) -> None:
    words = sheet_of(theme).replace(";", " ").split()
    colours = {word for word in words if word.startswith("#")}
    assert colours
    assert colours <= {getattr(theme, name) for name in Theme.__slots__ if isinstance(getattr(theme, name), str)}


@pytest.mark.parametrize(
    ("choice", "scheme", "theme"),
    [
        (ThemeChoice.LIGHT, Qt.ColorScheme.Dark, LIGHT),
        (ThemeChoice.DARK, Qt.ColorScheme.Light, DARK),
        (ThemeChoice.SYSTEM, Qt.ColorScheme.Dark, DARK),
        (ThemeChoice.SYSTEM, Qt.ColorScheme.Light, LIGHT),
        (ThemeChoice.SYSTEM, Qt.ColorScheme.Unknown, LIGHT),
    ],
)
def test_the_theme_of_a_choice(choice: ThemeChoice, scheme: Qt.ColorScheme, theme: Theme) -> None:
    assert theme_for(choice, scheme) is theme


def test_a_chosen_theme_is_put_into_the_application(application: QApplication) -> None:
    appearance = Appearance(application, Settings(theme=ThemeChoice.LIGHT))
    told: list[Theme] = []
    appearance.theme_changed.connect(told.append)
    appearance.apply(Settings(theme=ThemeChoice.DARK))
    assert told == [DARK]
    assert application.palette().color(QPalette.ColorRole.Window).name() == DARK.window


def test_the_system_is_followed_where_that_is_chosen(application: QApplication) -> None:
    appearance = Appearance(application, Settings(theme=ThemeChoice.SYSTEM))
    appearance.follow(Qt.ColorScheme.Dark)
    assert appearance.theme is DARK
    appearance.follow(Qt.ColorScheme.Light)
    assert appearance.theme is LIGHT


def test_the_system_is_not_followed_where_a_theme_is_chosen(application: QApplication) -> None:
    appearance = Appearance(application, Settings(theme=ThemeChoice.LIGHT))
    appearance.follow(Qt.ColorScheme.Dark)
    assert appearance.theme is LIGHT


def test_the_size_of_the_text_is_put_into_the_application_and_taken_back(application: QApplication) -> None:
    before = application.font().pointSize()
    appearance = Appearance(application, Settings(font_points=before + 5))
    assert application.font().pointSize() == before + 5
    appearance.apply(Settings())
    assert application.font().pointSize() == before
