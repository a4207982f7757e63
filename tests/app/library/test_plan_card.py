"""The plan card: what is chosen is told, what is shown is what was chosen."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from fakes.model_shelf import PATH, device_outline, outline
from fakes.scripted_models import GIB
from offload.protocol import DevicePlan
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.plan_card import PlanCard
from offload_app.library.shelf import Outlook
from offload_app.model_choices import ModelChoice
from offload_app.theme import DARK, LIGHT

AUTOMATIC = ModelChoice()


class Shown:
    """A card, and what it told."""

    def __init__(self, qtbot: QtBot, choice: ModelChoice = AUTOMATIC, **fields: Any) -> None:
        self.card = PlanCard(LIGHT, Language())
        qtbot.addWidget(self.card)
        self.chosen: list[ModelChoice] = []
        self.card.chosen.connect(self.chosen.append)
        self.card.resize(600, 400)
        self.card.show()
        self.card.show_plan(Outlook(PATH, choice.n_ctx, outline(**fields)), choice, 32768, "auto")


def test_automatic_is_checked_and_its_plan_shown(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    assert card.automatic.isChecked()
    assert card.slider.value() == 1
    assert card.share.text().startswith("50 %")
    assert card.context.currentText() == "Automatic (4,096)"


def test_moving_the_slider_chooses_the_budget_of_a_plan(qtbot: QtBot) -> None:
    shown = Shown(qtbot)
    QTest.keyClick(shown.card.slider, Qt.Key.Key_End)
    assert shown.chosen == [ModelChoice(9 * GIB)]


def test_unchecking_automatic_chooses_what_is_shown(qtbot: QtBot) -> None:
    shown = Shown(qtbot)
    shown.card.automatic.click()
    assert shown.chosen == [ModelChoice(5 * GIB)]


def test_checking_automatic_chooses_none(qtbot: QtBot) -> None:
    shown = Shown(qtbot, ModelChoice(GIB, 8192))
    assert not shown.card.automatic.isChecked()
    shown.card.automatic.click()
    assert shown.chosen == [ModelChoice(0, 8192)]


def test_a_context_is_chosen_and_the_budget_stays(qtbot: QtBot) -> None:
    shown = Shown(qtbot, ModelChoice(GIB))
    shown.card.context.setFocus()
    QTest.keyClick(shown.card.context, Qt.Key.Key_Down)
    assert shown.chosen == [ModelChoice(GIB, 2048)]


def test_showing_a_choice_tells_nobody(qtbot: QtBot) -> None:
    shown = Shown(qtbot)
    for choice in (ModelChoice(GIB, 8192), ModelChoice(9 * GIB), ModelChoice()):
        shown.card.show_plan(Outlook(PATH, choice.n_ctx, outline()), choice, 32768, "auto")
    assert shown.chosen == []


@pytest.mark.parametrize(
    ("fields", "words", "colour"),
    [
        ({"budget_bytes": GIB // 2}, "needs 1.0 GB at least, and the budget is 512 MB", LIGHT.error),
        ({"available_memory_bytes": GIB}, "more than is free now", LIGHT.warning),
    ],
)
def test_what_is_wrong_with_a_budget_is_said_in_words_and_colour(
    qtbot: QtBot, fields: dict[str, int], words: str, colour: str
) -> None:
    card = Shown(qtbot, AUTOMATIC, **fields).card
    assert words in card.note.text()
    assert card.note.isVisible()
    assert colour in card.note.styleSheet()


def test_below_the_floor_a_budget_can_still_be_chosen(qtbot: QtBot) -> None:
    shown = Shown(qtbot, budget_bytes=GIB // 2)
    assert not shown.card.reading.is_possible
    QTest.keyClick(shown.card.slider, Qt.Key.Key_Right)
    assert shown.chosen == [ModelChoice(5 * GIB)]


def test_while_there_is_no_plan_it_says_so(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    card.show_plan(Outlook(PATH, 0), ModelChoice(), 32768, "auto")
    assert card.waiting.text() == "Planning…"
    assert card.waiting.isVisible()
    assert card.bar.isHidden()
    assert not card.reading.is_known


def test_why_there_is_no_plan_is_said(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    card.show_plan(Outlook(PATH, 0, None, ErrorReport("X", "No.", "Do.")), ModelChoice(), 0, "auto")
    assert card.waiting.text() == "No. Do."


def test_a_budget_of_the_preferences_is_named(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    card.show_plan(Outlook(PATH, 0, outline()), ModelChoice(), 0, "6G")
    assert card.automatic.text() == "&As in the preferences: 6G"


def test_a_narrow_card_is_no_wider_than_its_place(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    card.show_plan(Outlook(PATH, 0, outline()), AUTOMATIC, 32768, "170M")
    card.set_narrow(True)
    card.resize(280, 500)
    card.set_theme(DARK)
    qtbot.waitUntil(lambda: card.minimumSizeHint().width() <= 280)


def test_a_second_bar_shows_the_device_s_memory_where_there_is_one(qtbot: QtBot) -> None:
    card = Shown(qtbot).card
    assert not card.device_bar.isVisible()
    card.show_plan(Outlook(PATH, 0, device_outline()), AUTOMATIC, 32768, "auto")
    assert card.device_bar.isVisible()
    assert card.device_bar.reading.words.title == "Memory of CUDA0"
    assert card.share.text().startswith("25 % of the experts stay in the memory of CUDA0")
    card.show_plan(None, AUTOMATIC, 32768, "auto")
    assert not card.device_bar.isVisible()


def test_the_slider_stays_that_of_the_process_s_memory(qtbot: QtBot) -> None:
    shown = Shown(qtbot)
    shown.card.show_plan(Outlook(PATH, 0, device_outline()), AUTOMATIC, 32768, "auto")
    QTest.keyClick(shown.card.slider, Qt.Key.Key_End)
    assert shown.chosen == [ModelChoice(9 * GIB)]


def test_a_device_with_too_little_memory_leaves_nothing_to_slide(qtbot: QtBot) -> None:
    shown = Shown(qtbot)
    device = DevicePlan("CUDA0", GIB, 3 * GIB, GIB, GIB, GIB, 0, 0)
    shown.card.show_plan(Outlook(PATH, 0, device_outline(points=(), device=device)), AUTOMATIC, 32768, "auto")
    assert not shown.card.slider.isEnabled()
    assert "memory of CUDA0 the model needs 3.0 GB" in shown.card.note.text()
    assert not shown.card.automatic.isEnabled()
