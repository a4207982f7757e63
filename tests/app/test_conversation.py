"""The steps of a conversation, one by one."""

import pytest

from fakes.conversations import long_talk, talk
from offload.protocol import Message as PromptMessage
from offload.protocol import Role
from offload_app.conversation import (
    Conversation,
    Message,
    MessageState,
    ask,
    begin_answer,
    checked,
    edit,
    new_conversation,
    path,
    prompt_of,
    regenerate,
    siblings,
    switch,
    title_from,
    turns,
    valid_text,
    write,
)


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in path(conversation)]


def test_a_new_conversation_is_empty_and_unlike_any_other() -> None:
    one, other = new_conversation(5, system_prompt="Be brief."), new_conversation(5)
    assert one.id != other.id
    assert (one.messages, one.leaf, one.current, path(one)) == ((), None, None, ())
    assert (one.created_ms, one.updated_ms, one.system_prompt) == (5, 5, "Be brief.")


def test_asking_and_answering_continue_the_path() -> None:
    assert texts(talk("hello", "hi", "how are you?", "fine")) == ["hello", "hi", "how are you?", "fine"]


def test_an_answer_begins_partial_and_ends_as_told() -> None:
    asked = begin_answer(ask(new_conversation(1), "hello", 2), 3)
    assert asked.current == Message(2, 1, Role.ASSISTANT, "", 3, MessageState.PARTIAL)
    failed = write(asked, 2, "h", MessageState.FAILED, failure="The worker died.", receipt="{}")
    assert failed.current == Message(2, 1, Role.ASSISTANT, "h", 3, MessageState.FAILED, "The worker died.", "{}")


def test_regenerating_begins_an_answer_beside_the_old_one() -> None:
    again = regenerate(talk("hello", "hi"), 2, 9)
    assert siblings(again, 3) == (2, 3)
    assert [(turn.message.id, turn.position, turn.count) for turn in turns(again)] == [(1, 1, 1), (3, 2, 2)]


def test_only_an_answer_can_be_regenerated() -> None:
    with pytest.raises(ValueError, match="message 1 is no answer"):
        regenerate(talk("hello", "hi"), 1, 9)


def test_editing_the_first_message_begins_a_second_root() -> None:
    edited = edit(talk("hello", "hi"), 1, "good day", 9)
    assert texts(edited) == ["good day"]
    assert siblings(edited, 1) == (1, 3)
    assert edited.message(1).text == "hello"


def test_switching_goes_to_the_newest_leaf_of_that_branch() -> None:
    both = regenerate(talk("hello", "hi", "more", "less"), 4, 9)
    elsewhere = edit(both, 1, "good day", 10)
    assert switch(elsewhere, 2).leaf == 5
    assert switch(elsewhere, 4).leaf == 4
    assert switch(elsewhere, 6).leaf == 6


def test_switching_and_writing_do_not_count_as_use() -> None:
    conversation = talk("hello", "hi", now=7)
    assert switch(write(conversation, 2, "ho"), 1).updated_ms == 7
    assert ask(conversation, "more", 8).updated_ms == 8


def test_a_clock_that_went_back_does_not_make_a_conversation_older() -> None:
    assert ask(talk("hello", now=7), "more", 3).updated_ms == 7


def test_a_prompt_is_the_path_before_the_answer() -> None:
    conversation = regenerate(talk("hello", "hi", "more", "less"), 4, 9)
    assert prompt_of(conversation, 5) == (
        PromptMessage(Role.USER, "hello"),
        PromptMessage(Role.ASSISTANT, "hi"),
        PromptMessage(Role.USER, "more"),
    )


def test_a_prompt_begins_with_the_system_prompt() -> None:
    conversation = begin_answer(ask(new_conversation(1, system_prompt="Be brief."), "hello", 2), 3)
    assert prompt_of(conversation, 2) == (PromptMessage(Role.SYSTEM, "Be brief."), PromptMessage(Role.USER, "hello"))


def test_a_prompt_takes_turns_where_an_answer_never_came() -> None:
    conversation = begin_answer(talk("hello", "", "are you there?"), 3)
    assert prompt_of(conversation, 4) == (PromptMessage(Role.USER, "hello\n\nare you there?"),)


@pytest.mark.parametrize("message_id", [0, 3, -1])
def test_a_message_that_does_not_exist_is_refused(message_id: int) -> None:
    with pytest.raises(IndexError, match=f"no message {message_id} among 2"):
        talk("hello", "hi").message(message_id)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert valid_text("a\ud800b") == "a?b"
    assert texts(talk("a\ud800b", "\ud800")) == ["a?b", "?"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ""),
        ("\n  \n  How\tare you?  \nmore", "How are you?"),
        ("word " * 30, ("word " * 12).strip() + "…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_line_cut_at_a_word(text: str, title: str) -> None:
    assert title_from(text) == title


def at_fault(**changes: object) -> Conversation:
    fields: dict[str, object] = {"id": "x", "created_ms": 1, "updated_ms": 1, **changes}
    return Conversation(**fields)  # type: ignore[arg-type]


def said(message_id: int, parent: int | None) -> Message:
    return Message(message_id, parent, Role.USER, "", 1)


@pytest.mark.parametrize(
    ("messages", "leaf", "problem"),
    [
        ((said(2, None),), 2, "message 1 has the number 2"),
        ((said(1, 1),), 1, "message 1 has the parent 1"),
        ((said(1, None), said(2, 0)), 2, "message 2 has the parent 0"),
        ((said(1, None),), None, "the current message is missing"),
        ((), 1, "the current message is missing"),
        ((said(1, None),), 2, "the current message 2 does not exist"),
        ((said(1, None), said(2, 1)), 1, "the current message 1 is not the last of its branch"),
    ],
)
def test_messages_that_are_no_tree_are_refused(messages: tuple[Message, ...], leaf: int | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        checked(at_fault(messages=messages, leaf=leaf))


def test_a_tree_is_accepted() -> None:
    for conversation in (new_conversation(1), regenerate(talk("hello", "hi"), 2, 3), long_talk(10)):
        assert checked(conversation) is conversation
