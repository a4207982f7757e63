"""Conversations from which messages are missing."""

from dataclasses import replace

from fakes.conversations import long_talk, talk
from offload_app.conversation import path, regenerate
from offload_app.storage.records import mended


def test_a_whole_conversation_needs_no_mending() -> None:
    conversation = regenerate(talk("hello", "hi", "more", "less"), 4, 3)
    assert mended(conversation) == conversation


def test_what_follows_a_gap_follows_the_message_before_it() -> None:
    conversation = long_talk(10)
    torn = replace(conversation, messages=(*conversation.messages[:3], *conversation.messages[6:]))
    whole = mended(torn)
    assert [message.id for message in whole.messages] == [1, 2, 3, 4, 5, 6, 7]
    assert [message.text for message in path(whole)] == [message.text for message in torn.messages]


def test_a_lost_beginning_makes_the_first_kept_message_the_root() -> None:
    conversation = long_talk(4)
    whole = mended(replace(conversation, messages=conversation.messages[2:]))
    assert [message.parent for message in whole.messages] == [None, 1]


def test_a_lost_leaf_gives_way_to_the_newest_message() -> None:
    conversation = long_talk(4)
    assert mended(replace(conversation, messages=conversation.messages[:2])).leaf == 2


def test_nothing_left_is_an_empty_conversation() -> None:
    empty = mended(replace(long_talk(4), messages=()))
    assert (empty.messages, empty.leaf) == ((), None)
