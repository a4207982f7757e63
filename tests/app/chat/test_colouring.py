"""Code gets its colours a little at a time."""

import pytest
from PySide6.QtGui import QTextCursor, QTextDocument
from pytestqt.qtbot import QtBot

from offload_app.chat import colouring
from offload_app.chat.colouring import Colouring
from offload_app.chat.lexers import lexer_of
from offload_app.theme import DARK, LIGHT

CODE = "return 1\n" * 50


def colour_at(document: QTextDocument, position: int) -> str:
    cursor = QTextCursor(document)
    cursor.setPosition(position + 1)
    return cursor.charFormat().foreground().color().name()


def document_of(text: str) -> QTextDocument:
    document = QTextDocument()
    document.setPlainText(text)
    lexer_of("python").result(30)
    return document


def test_much_code_is_coloured_step_by_step(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colouring, "_COLOUR_SECONDS", 0.0)
    document = document_of(CODE)
    parts = Colouring(document, document)
    parts.begin("python", LIGHT)
    assert colour_at(document, 0) == LIGHT.accent
    assert colour_at(document, len(CODE) - 9) != LIGHT.accent
    assert not parts.is_done
    monkeypatch.undo()
    qtbot.waitUntil(lambda: parts.is_done)
    assert colour_at(document, len(CODE) - 9) == LIGHT.accent


def test_another_theme_takes_the_place_of_the_first(qtbot: QtBot) -> None:
    document = document_of(CODE)
    parts = Colouring(document, document)
    parts.begin("python", LIGHT)
    parts.begin("python", DARK)
    qtbot.waitUntil(lambda: parts.is_done)
    assert colour_at(document, 0) == colour_at(document, len(CODE) - 9) == DARK.accent


def test_an_unknown_language_stays_in_one_colour(qtbot: QtBot) -> None:
    document = document_of(CODE)
    parts = Colouring(document, document)
    parts.begin("no such language", LIGHT)
    qtbot.waitUntil(lambda: parts.is_done)
    assert colour_at(document, 0) == colour_at(document, 8)


def test_what_is_stopped_colours_no_more(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colouring, "_COLOUR_SECONDS", 0.0)
    document = document_of(CODE)
    parts = Colouring(document, document)
    parts.begin("python", LIGHT)
    parts.stop()
    assert parts.is_done
    assert colour_at(document, len(CODE) - 9) != LIGHT.accent
