"""The Markdown of an exported conversation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.conversations import TEXTS, talk
from offload_app.conversation import MessageState, path, regenerate, valid_text, write
from offload_app.conversation_markdown import from_markdown, to_markdown
from offload_app.storage.errors import ConversationFileError


@given(st.lists(TEXTS, max_size=5), TEXTS.filter(bool))
def test_roles_and_texts_come_back_exactly(texts: list[str], system_prompt: str) -> None:
    conversation = replace(talk(*texts), system_prompt=valid_text(system_prompt))
    back = from_markdown(to_markdown(conversation), 7)
    assert back.system_prompt == conversation.system_prompt
    assert [(m.role, m.text) for m in path(back)] == [(m.role, m.text) for m in path(conversation)]


def test_it_reads_as_a_person_would_write_it() -> None:
    conversation = replace(talk("What is 2 + 2?", "Four."), title="Sums\nof two", system_prompt="Be brief.")
    assert to_markdown(conversation) == (
        "# Sums of two\n\n## System\n\nBe brief.\n\n## User\n\nWhat is 2 + 2?\n\n## Assistant\n\nFour.\n"
    )


def test_only_the_current_path_is_in_it() -> None:
    conversation = write(regenerate(talk("hello", "first"), 2, 3), 3, "second", MessageState.COMPLETE)
    text = to_markdown(conversation)
    assert "second" in text
    assert "first" not in text


def test_a_file_written_by_hand_is_read() -> None:
    back = from_markdown("\ufeff# A talk\r\n## User  \r\nhello\r\nthere\r\n\r\n## Assistant\r\nhi", 7)
    assert (back.title, back.created_ms, back.leaf) == ("A talk", 7, 2)
    assert [message.text for message in back.messages] == ["hello\nthere", "hi"]


def test_an_empty_conversation_comes_back_with_its_title() -> None:
    back = from_markdown(to_markdown(talk(title="Nothing yet")), 7)
    assert (back.title, back.messages, back.leaf) == ("Nothing yet", (), None)


def test_every_reading_makes_a_conversation_of_its_own() -> None:
    text = to_markdown(talk("hello"))
    assert from_markdown(text, 7).id != from_markdown(text, 7).id


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no heading like '## User'"),
        ("Dear diary", "no heading like '## User'"),
        ("# Title\n\nDear diary", "text before the first heading"),
        ("Dear diary\n## User\nhello", "text before the first heading"),
    ],
)
def test_a_text_that_is_no_conversation_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConversationFileError, match=f"^notes.md is not a conversation .*{problem}"):
        from_markdown(text, 7, "notes.md")
