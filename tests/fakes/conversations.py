"""Conversations for tests: long ones, branched ones, and the steps that make any."""

from dataclasses import replace

from hypothesis import strategies as st

from offload.protocol import Role
from offload_app.conversation import (
    Conversation,
    Message,
    MessageState,
    ask,
    begin_answer,
    edit,
    new_conversation,
    regenerate,
    switch,
    write,
)

TEXTS = st.text(max_size=40) | st.sampled_from(
    ["", "\ud800", "a\0b", "# x\n## User\n\\## User ", "line\r\nline\n\n", "\n"]
)


def talk(*texts: str, now: int = 1_000, title: str = "") -> Conversation:
    """Return a conversation of one branch: question, answer, question, .."""
    conversation = replace(new_conversation(now), title=title)
    for number, text in enumerate(texts):
        if number % 2 == 0:
            conversation = ask(conversation, text, now)
        else:
            conversation = begin_answer(conversation, now)
            conversation = write(conversation, number + 1, text, MessageState.COMPLETE)
    return conversation


def long_talk(n_messages: int, text: str = "Some words about the weather, message {}.") -> Conversation:
    """Return a conversation of one long branch."""
    roles = (Role.USER, Role.ASSISTANT)
    messages = tuple(
        Message(number, number - 1 or None, roles[(number - 1) % 2], text.format(number), number)
        for number in range(1, n_messages + 1)
    )
    return replace(new_conversation(1), messages=messages, leaf=n_messages)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "answer", "write", "regenerate", "edit", "switch"]), st.integers(0), TEXTS),
    max_size=25,
)


def stepped(conversation: Conversation, step: tuple[str, int, str], now: int) -> tuple[Conversation, int | None]:
    """Return the conversation after a step as a person may make it, and the message that was written to, if one was."""
    kind, choice, text = step
    if not conversation.messages or kind == "ask":
        return ask(conversation, text, now), None
    chosen = conversation.messages[choice % len(conversation.messages)]
    match kind:
        case "answer":
            return begin_answer(conversation, now), None
        case "regenerate" if chosen.role is Role.ASSISTANT:
            return regenerate(conversation, chosen.id, now), None
        case "edit":
            return edit(conversation, chosen.id, text, now), None
        case "switch":
            return switch(conversation, chosen.id), None
    state = list(MessageState)[choice % len(MessageState)]
    return write(conversation, chosen.id, text, state, failure="It failed.", receipt='{"version":1}'), chosen.id
