"""The invariants of a conversation under any sequence of steps, in memory and in a store."""

import tempfile
from pathlib import Path

from hypothesis import given, settings

from fakes.conversations import STEPS, stepped
from offload_app.conversation import checked, new_conversation, path, siblings, switch, turns
from offload_app.conversation_store import ConversationStore

Steps = list[tuple[str, int, str]]


@given(STEPS)
def test_every_step_keeps_every_message(steps: Steps) -> None:
    conversation = new_conversation(0)
    for now, step in enumerate(steps):
        before = conversation.messages
        conversation, written = stepped(conversation, step, now)
        kept = conversation.messages[: len(before)]
        assert len(kept) == len(before)
        assert [message.id for message in conversation.messages] == list(range(1, len(conversation.messages) + 1))
        for old, new in zip(before, kept, strict=True):
            assert new == old or new.id == written
            assert (new.id, new.parent, new.role, new.created_ms) == (old.id, old.parent, old.role, old.created_ms)


@given(STEPS)
def test_the_path_ends_at_a_leaf(steps: Steps) -> None:
    conversation = new_conversation(0)
    for now, step in enumerate(steps):
        conversation, _ = stepped(conversation, step, now)
        way = path(checked(conversation))
        assert way[0].parent is None
        assert way[-1].id == conversation.leaf
        assert [message.parent for message in way[1:]] == [message.id for message in way[:-1]]


@given(STEPS)
def test_a_turn_s_place_is_its_place_among_its_siblings(steps: Steps) -> None:
    conversation = new_conversation(0)
    for now, step in enumerate(steps):
        conversation, _ = stepped(conversation, step, now)
    for turn in turns(conversation):
        beside = siblings(conversation, turn.message.id)
        assert (beside[turn.position - 1], len(beside)) == (turn.message.id, turn.count)


@given(STEPS)
def test_every_message_can_be_shown_by_switching(steps: Steps) -> None:
    conversation = new_conversation(0)
    for now, step in enumerate(steps):
        conversation, _ = stepped(conversation, step, now)
    for message in conversation.messages:
        shown = path(checked(switch(conversation, message.id)))
        assert message in shown
        below = {later.id for later in conversation.messages if message in path(switch(conversation, later.id))}
        assert shown[-1].id == max(below)


@settings(max_examples=20)
@given(STEPS)
def test_every_step_survives_a_reopen(steps: Steps) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chats.db"
        with ConversationStore.open(file) as store:
            conversation = store.add(new_conversation(0))
            for now, step in enumerate(steps):
                conversation, written = stepped(conversation, step, now)
                if written is None:
                    store.save_tree(conversation)
                else:
                    store.save_message(conversation, written)
                assert store.load(conversation.id) == conversation
        with ConversationStore.open(file) as store:
            assert store.load(conversation.id) == conversation
