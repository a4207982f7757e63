"""The list of models: what is chosen stays chosen, and every row is painted."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from fakes.painted import picture, pixels_by_colour
from offload_app.library.model_list import ModelList
from offload_app.library.readings.model_row import ModelRow
from offload_app.library.shelf import DEMO
from offload_app.theme import DARK, LIGHT


def row(key: str, **fields: object) -> ModelRow:
    plain = ModelRow(key, key or "Demo model", "Q4_K_M · 1.0 GB", "", "", False, key, f"{key}, Q4_K_M")
    return replace(plain, **fields)  # type: ignore[arg-type]  # named by the tests


ROWS = (row(DEMO), row("/a"), row("/b"))


@pytest.fixture
def models(qtbot: QtBot) -> ModelList:
    """Return a list of three."""
    models = ModelList(LIGHT)
    qtbot.addWidget(models)
    models.resize(300, 300)
    models.show_rows(ROWS)
    return models


def test_the_demo_model_is_chosen_at_first(models: ModelList) -> None:
    assert models.chosen == DEMO
    assert models.view.currentIndex().row() == 0


def test_keys_choose_and_enter_activates(qtbot: QtBot, models: ModelList) -> None:
    changed: list[str] = []
    activated: list[str] = []
    models.changed.connect(changed.append)
    models.activated.connect(activated.append)
    QTest.keyClick(models.view, Qt.Key.Key_Down)
    QTest.keyClick(models.view, Qt.Key.Key_Return)
    assert (changed, activated, models.chosen) == (["/a"], ["/a"], "/a")


def test_what_is_chosen_stays_while_rows_come_and_go(models: ModelList) -> None:
    models.choose("/b")
    models.show_rows((row(DEMO), row("/0"), *ROWS[1:]))
    assert models.view.currentIndex().row() == 3
    models.show_rows(ROWS[:2])
    assert models.chosen == "/b"
    models.show_rows(ROWS)
    assert models.view.currentIndex().row() == 2


def test_choosing_what_is_not_listed_yet_waits_for_it(qtbot: QtBot, models: ModelList) -> None:
    with qtbot.waitSignal(models.changed) as told:
        models.choose("/new")
    assert told.args == ["/new"]
    models.show_rows((*ROWS, row("/new")))
    assert models.view.currentIndex().row() == 3


def test_a_row_that_changes_alone_keeps_the_place(models: ModelList) -> None:
    models.choose("/b")
    told: list[int] = []
    models.rows.dataChanged.connect(lambda first, _: told.append(first.row()))
    models.show_rows((*ROWS[:2], row("/b", state="packed")))
    assert told == [2]
    assert models.view.currentIndex().row() == 2


def test_rows_are_read_out_and_have_tool_tips(models: ModelList) -> None:
    index = models.rows.index(1)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "/a, Q4_K_M"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "/a"


@pytest.mark.parametrize("title", ["نموذج-صغير", "größer", "a" * 4000, "\u202eevil", "🦊" * 50])
def test_any_name_is_painted_in_its_row(models: ModelList, title: str) -> None:
    models.show_rows((row("/x", title=title, state="loaded · packing 34 %", is_loaded=True),))
    assert models.view.sizeHintForRow(0) == models.view.sizeHintForIndex(models.rows.index(0)).height()
    assert not picture(models).isNull()


def test_trouble_stands_in_the_place_of_the_facts(models: ModelList) -> None:
    models.choose("/a")
    before = pixels_by_colour(models)[LIGHT.error]
    models.show_rows((*ROWS[:2], row("/b", trouble="Cut off.")))
    assert before == 0
    assert pixels_by_colour(models)[LIGHT.error] > 0


def test_a_thousand_rows_are_listed_and_follow_the_theme(models: ModelList) -> None:
    models.show_rows(tuple(row(f"/{n}") for n in range(1000)))
    models.set_theme(DARK)
    assert models.rows.rowCount() == 1000
    assert pixels_by_colour(models)[DARK.text] > 5
