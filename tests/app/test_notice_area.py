"""The notices above the chat: what is shown, and what a button tells."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from offload_app.notice import Choice, Notice, Subject, Weight
from offload_app.notice_area import NoticeArea
from offload_app.theme import DARK, LIGHT

LOADING = Notice(Subject.MODEL, Weight.NEWS, "Loading m.gguf: 25 %", (Choice.CANCEL,), 0.25)
DEAD = Notice(Subject.WORKER, Weight.ERROR, "It ended.", (Choice.SMALLER_BUDGET, Choice.RESTART), details="GGML_ASSERT")


@pytest.fixture
def area(qtbot: QtBot) -> NoticeArea:
    area = NoticeArea(LIGHT)
    qtbot.addWidget(area)
    return area


def button(area: NoticeArea, name: str) -> QPushButton:
    (found,) = [each for each in area.findChildren(QPushButton) if each.text() == name]
    return found


def test_without_a_notice_it_takes_no_room(area: NoticeArea) -> None:
    assert area.isHidden()
    area.show_notice(DEAD)
    assert not area.isHidden()
    area.clear(Subject.WORKER)
    assert area.isHidden()


def test_a_notice_is_shown_as_it_is(area: NoticeArea) -> None:
    area.show_notice(replace(DEAD, text="<b>not bold</b>"))
    assert [label.text() for label in area.findChildren(QLabel)] == ["<b>not bold</b>"]
    assert area.findChildren(QProgressBar)[0].isHidden()


def test_a_new_notice_takes_the_place_of_the_one_of_its_subject(area: NoticeArea) -> None:
    area.show_notice(LOADING)
    area.show_notice(DEAD)
    refused = Notice(Subject.MODEL, Weight.ERROR, "Refused.")
    area.show_notice(refused)
    assert set(area.notices) == {DEAD, refused}


def test_progress_moves_without_new_buttons(area: NoticeArea) -> None:
    area.show_notice(LOADING)
    cancel = button(area, "Cancel")
    area.show_notice(replace(LOADING, fraction=0.5))
    assert button(area, "Cancel") is cancel
    assert area.findChildren(QProgressBar)[0].value() == 500


@pytest.mark.parametrize(("name", "choice"), [("Restart", Choice.RESTART), ("Use a smaller budget", DEAD.choices[0])])
def test_a_button_tells_what_was_chosen(area: NoticeArea, name: str, choice: Choice) -> None:
    told: list[Any] = []
    area.chosen.connect(lambda subject, choice: told.append((subject, choice)))
    area.show_notice(DEAD)
    button(area, name).click()
    assert told == [(Subject.WORKER, choice)]


def test_every_choice_has_a_name_of_its_own(area: NoticeArea) -> None:
    area.show_notice(Notice(Subject.MODEL, Weight.NEWS, "All.", tuple(Choice)))
    names = [each.text() for each in area.findChildren(QPushButton)]
    assert len(set(names)) == len(Choice)


def test_details_are_copied(area: NoticeArea) -> None:
    area.show_notice(DEAD)
    button(area, "Copy details").click()
    assert QGuiApplication.clipboard().text() == "GGML_ASSERT"


def test_notices_follow_the_theme(area: NoticeArea) -> None:
    area.show_notice(DEAD)
    area.set_theme(DARK)
    bar = area.findChildren(QLabel)[0].parentWidget()
    assert bar is not None
    assert DARK.error in bar.styleSheet()
