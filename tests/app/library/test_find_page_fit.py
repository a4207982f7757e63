"""The page of models to get: how a model will run here, before it is downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from fakes.application import application_getting_models
from fakes.painted import pixels_by_colour
from fakes.scripted_models import GIB, serves_models
from fakes.scripted_worker import Step
from offload_app.bootstrap import Application
from offload_app.library.download import DownloadState
from offload_app.library.find_page import FindPage
from offload_app.library.offer_card import OfferCard
from offload_app.model_choices import ModelChoice
from offload_app.notice import Choice, Subject
from offload_app.settings import ThemeChoice
from offload_app.theme import DARK

WAIT_MS = 20000
LITTLE, MIDDLE = "some/Little-GGUF:Q4_K_M", "other/Middle-GGUF:Q4_K_M"
FAST = serves_models(speed=2.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path, folder: Path, request: pytest.FixtureRequest) -> Iterator[Application]:
    """Return an application whose page of models to get is shown, the first one of the catalogue chosen."""
    step: Step = getattr(request, "param", FAST)
    with application_getting_models(qtbot, tmp_path / "home", folder, step) as parts:
        yield parts


def page(parts: Application) -> FindPage:
    return parts.window.finds


def offer(parts: Application) -> OfferCard:
    return page(parts).offer


def ask(qtbot: QtBot, parts: Application) -> None:
    """Press the button and wait for the plans."""
    offer(parts).fit.click()
    qtbot.waitUntil(offer(parts).plan.isVisible, timeout=WAIT_MS)


def test_before_the_button_is_pressed_nobody_is_asked(parts: Application) -> None:
    assert "Will it run here?" in page(parts).search.hint.text()
    assert offer(parts).fit.isVisible()
    assert offer(parts).plan.isHidden()
    assert not parts.fits._client.has_worker
    assert not parts.search._scout.has_worker


def test_pressed_it_shows_plan_slider_floor_and_speeds(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    plan = offer(parts).plan
    assert plan.bar.isVisible()
    assert plan.slider.isVisible()
    assert plan.reading.words.detail == "Needs 1.0 GB at least; with 9.0 GB nothing is paged."
    assert plan.speed.isVisible()
    assert plan.speed.reading.words.value == "about 4.0 tokens/s (3.2 to 5.0)"
    assert offer(parts).fit.isHidden()
    assert offer(parts).button.isEnabled()


def test_moving_the_slider_shows_the_plan_and_the_speed_there(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    plan = offer(parts).plan
    QTest.keyClick(plan.slider, Qt.Key.Key_End)
    assert plan.reading.words.value == "9.0 GB"
    assert plan.speed.reading.words.value.startswith("about 6.0 tokens/s")
    assert not plan.automatic.isChecked()


def test_another_context_is_planned_anew(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    plan = offer(parts).plan
    plan.context.setCurrentIndex(plan.context.findData(8192))
    plan.context.activated.emit(plan.context.currentIndex())
    assert offer(parts).fit_news.text() == "Planning…"
    qtbot.waitUntil(lambda: (fit := parts.fits.of(LITTLE)) is not None and not fit.is_asking, timeout=WAIT_MS)
    assert plan.context.currentData() == 8192
    assert offer(parts).fit_news.isHidden()


@pytest.mark.parametrize("parts", [serves_models(fits="until stopped")], indirect=True)
def test_while_it_is_asked_it_says_so_and_may_be_left(qtbot: QtBot, parts: Application) -> None:
    offer(parts).fit.click()
    assert offer(parts).fit_news.isVisible()
    assert "a few MB" in offer(parts).fit_news.text()
    assert not offer(parts).fit.isEnabled()
    assert offer(parts).button.isEnabled()
    qtbot.waitUntil(lambda: parts.fits._client.running is not None, timeout=WAIT_MS)
    page(parts).list.choose(MIDDLE)
    qtbot.waitUntil(lambda: parts.fits._client.running is None, timeout=WAIT_MS)
    page(parts).list.choose(LITTLE)
    assert offer(parts).fit.isEnabled()
    assert offer(parts).fit_news.isHidden()


@pytest.mark.parametrize("parts", [serves_models(fits="refused")], indirect=True)
def test_why_it_cannot_be_told_is_said_and_forbids_nothing(qtbot: QtBot, parts: Application) -> None:
    offer(parts).fit.click()
    qtbot.waitUntil(offer(parts).fit_trouble.isVisible, timeout=WAIT_MS)
    assert offer(parts).fit_trouble.text() == (
        "How it will run here cannot be told: Little-GGUF-Q4_K_M.gguf is gated. Accept its terms."
    )
    assert offer(parts).plan.isHidden()
    assert offer(parts).fit.isEnabled()
    offer(parts).button.click()
    qtbot.waitUntil(lambda: parts.downloads.all[0].state is DownloadState.DONE, timeout=WAIT_MS)


def test_a_typed_name_is_asked_about_once_it_was_looked_up(qtbot: QtBot, parts: Application) -> None:
    page(parts).field.setText("user/Own-GGUF:Q8_0")
    assert offer(parts).fit.isHidden()
    offer(parts).button.click()
    qtbot.waitUntil(offer(parts).fit.isVisible, timeout=WAIT_MS)
    ask(qtbot, parts)
    assert "128 experts, 8 used" in offer(parts).facts.text()


def test_what_was_chosen_is_what_the_model_is_loaded_with(qtbot: QtBot, parts: Application, folder: Path) -> None:
    ask(qtbot, parts)
    QTest.keyClick(offer(parts).plan.slider, Qt.Key.Key_End)
    offer(parts).button.click()
    qtbot.waitUntil(lambda: parts.downloads.all[0].state is DownloadState.DONE, timeout=WAIT_MS)
    path = str(folder / "some" / "Little-GGUF" / "Little-GGUF-Q4_K_M.gguf")
    assert parts.settings.current.choices.of(path) == ModelChoice(9 * GIB)
    parts.window.notices.chosen.emit(Subject.DOWNLOAD, Choice.LOAD)
    qtbot.waitUntil(lambda: (load := parts.engine.model_load) is not None and load.model == path, timeout=WAIT_MS)
    assert parts.engine.model_load is not None
    assert parts.engine.model_load.config.memory == 9 * GIB


@pytest.mark.parametrize("parts", [serves_models(pulls="until stopped", speed=2.0)], indirect=True)
def test_a_model_on_its_way_is_asked_about_and_its_choice_kept(qtbot: QtBot, parts: Application, folder: Path) -> None:
    offer(parts).button.click()
    qtbot.waitUntil(lambda: bool(parts.downloads.all), timeout=WAIT_MS)
    ask(qtbot, parts)
    QTest.keyClick(offer(parts).plan.slider, Qt.Key.Key_End)
    path = str(folder / "some" / "Little-GGUF" / "Little-GGUF-Q4_K_M.gguf")
    assert parts.settings.current.choices.of(path) == ModelChoice(9 * GIB)


def test_what_is_here_has_its_plan_among_the_models(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    offer(parts).button.click()
    qtbot.waitUntil(lambda: page(parts).list.rows.rows[0].state == "here", timeout=WAIT_MS)
    assert offer(parts).plan.isHidden()
    assert offer(parts).fit.isHidden()


def test_everything_is_reached_by_keyboard(qtbot: QtBot, parts: Application) -> None:
    reached = tabbed(parts)
    assert {offer(parts).button, offer(parts).fit} <= reached
    QTest.keyClick(offer(parts).fit, Qt.Key.Key_Space)
    qtbot.waitUntil(offer(parts).plan.isVisible, timeout=WAIT_MS)
    plan = offer(parts).plan
    assert {plan.slider, plan.automatic, plan.context, offer(parts).button} <= tabbed(parts)


def tabbed(parts: Application) -> set[QWidget | None]:
    """Return what the tabulator reaches."""
    reached = set()
    for _ in range(40):
        QTest.keyClick(QApplication.focusWidget() or parts.window, Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    return reached


def test_everything_has_a_name_and_its_own_letter(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    nameless = [
        widget
        for widget in page(parts).findChildren(QWidget)
        if widget.window() is parts.window
        and Qt.FocusPolicy.TabFocus in widget.focusPolicy()
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]
    assert nameless == []
    buttons = [button for button in page(parts).findChildren(QAbstractButton) if button.isVisible()]
    texts = [*(button.text() for button in buttons), offer(parts).fit.text(), "Conte&xt"]
    menus = [menu.text() for menu in parts.window.menuBar().actions()]
    letters = [text[text.index("&") + 1].casefold() for text in (*texts, *menus) if "&" in text]
    assert len(letters) == len(set(letters)), letters


def test_in_a_narrow_window_nothing_is_cut_off(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    parts.window.resize(640, 500)
    area = page(parts).sides.widget(1)
    assert area is not None
    qtbot.waitUntil(lambda: offer(parts).plan.width() <= area.width())
    assert offer(parts).plan.minimumSizeHint().width() <= offer(parts).plan.width()


def test_in_a_low_window_the_plan_is_brought_into_view(qtbot: QtBot, parts: Application) -> None:
    parts.window.resize(800, 500)
    ask(qtbot, parts)
    qtbot.waitUntil(lambda: not offer(parts).plan.bar.visibleRegion().isEmpty())
    assert parts.window.height() == 500


def test_the_plan_is_painted_in_the_theme_s_colours(qtbot: QtBot, parts: Application) -> None:
    ask(qtbot, parts)
    parts.settings.change(theme=ThemeChoice.DARK)
    assert pixels_by_colour(offer(parts).plan.slider)[DARK.accent.casefold()] > 0
