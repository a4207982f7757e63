"""The text of a message while it grows, and when it is complete."""

import pytest
from pytestqt.qtbot import QtBot

from offload_app.chat.code_view import CodeView
from offload_app.chat.fitted_text import FittedText
from offload_app.chat.message_body import MessageBody
from offload_app.theme import DARK, LIGHT

TEXT = "Plan **it**:\n\n1. read\n2. count\n\n```python\nx = 1  # one\ny = 2\n```\n\nThen *that* is done.\n\nThe end."


def body_of(qtbot: QtBot, *, is_markdown: bool = True) -> MessageBody:
    body = MessageBody(LIGHT, is_markdown=is_markdown)
    qtbot.addWidget(body)
    return body


def words(body: MessageBody) -> list[str]:
    return [view.toPlainText() if isinstance(view, FittedText) else view.code for view in body.views]


def await_colours(qtbot: QtBot, body: MessageBody) -> None:
    qtbot.waitUntil(lambda: all(view.colouring.is_done for view in body.views if isinstance(view, CodeView)))


def colours(view: CodeView) -> set[str]:
    return {
        format.toCharFormat().foreground().color().name()
        for format in view.text.document().allFormats()
        if format.isCharFormat()
    }


@pytest.mark.parametrize("n_characters", [1, 3, 7, 1000])
def test_an_answer_that_grew_looks_as_one_shown_at_once(qtbot: QtBot, n_characters: int) -> None:
    grown, whole = body_of(qtbot), body_of(qtbot)
    for end in range(n_characters, len(TEXT) + n_characters, n_characters):
        grown.show_text(TEXT[:end], is_complete=False)
    grown.show_text(TEXT, is_complete=True)
    whole.show_text(TEXT, is_complete=True)
    assert (
        words(grown)
        == words(whole)
        == [
            "Plan it:\nread\ncount",
            "x = 1  # one\ny = 2",
            "Then that is done.\nThe end.",
        ]
    )
    await_colours(qtbot, grown)
    await_colours(qtbot, whole)
    html = [view.toHtml() if isinstance(view, FittedText) else view.text.document().toHtml() for view in grown.views]
    assert html == [
        view.toHtml() if isinstance(view, FittedText) else view.text.document().toHtml() for view in whole.views
    ]


def test_while_it_grows_only_complete_blocks_are_markdown(qtbot: QtBot) -> None:
    body = body_of(qtbot)
    body.show_text("**one**\n\n**tw", is_complete=False)
    assert words(body) == ["one\n**tw"]
    body.show_text("**one**\n\n**two**", is_complete=False)
    assert words(body) == ["one\n**two**"]
    body.show_text("**one**\n\n**two**", is_complete=True)
    assert words(body) == ["one\ntwo"]


def test_growing_prose_keeps_its_document(qtbot: QtBot) -> None:
    body = body_of(qtbot)
    body.show_text("one", is_complete=False)
    (view,) = body.views
    assert isinstance(view, FittedText)
    document = view.document()
    body.show_text("one two", is_complete=False)
    assert view.document() is document
    assert words(body) == ["one two"]


def test_code_is_highlighted_once_it_is_complete(qtbot: QtBot) -> None:
    body = body_of(qtbot)
    body.show_text("```python\nreturn 1", is_complete=False)
    (view,) = body.views
    assert isinstance(view, CodeView)
    assert LIGHT.accent not in colours(view)
    body.show_text("```python\nreturn 1\n```\n\nso", is_complete=False)
    await_colours(qtbot, body)
    assert LIGHT.accent in colours(view)


def test_a_theme_changes_the_colours_of_code(qtbot: QtBot) -> None:
    body = body_of(qtbot)
    body.show_text("```python\nreturn 1\n```", is_complete=True)
    body.set_theme(DARK)
    await_colours(qtbot, body)
    (view,) = body.views
    assert isinstance(view, CodeView)
    assert DARK.accent in colours(view)


def test_a_question_is_shown_as_it_was_typed(qtbot: QtBot) -> None:
    body = body_of(qtbot, is_markdown=False)
    body.show_text("**a** <b>\n```\nx", is_complete=True)
    assert words(body) == ["**a** <b>\n```\nx"]
