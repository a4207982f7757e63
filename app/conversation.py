"""`Conversation`: a tree of messages with one current path, and the steps that change it.

Asking continues the current path; regenerating and editing start a branch beside a message. Nothing is ever taken out:

    1 user ─┬─ 2 answer ─── 4 user ─── 5 answer
            └─ 3 answer (regenerated)               leaf = 5: the path is 1, 2, 4, 5; message 2 is "1 of 2"

All values are frozen: a step returns another conversation that shares all messages but the new one.

Invariants, each proved by the test named (tests/app/test_conversation_rules.py):
 1. Message n is `messages[n - 1]`, and its parent is older: there is no cycle.   test_every_step_keeps_every_message
 2. The leaf has no children, and is None only where there is no message.         test_the_path_ends_at_a_leaf
 3. Every step keeps all messages as they were, but for the one written to.       test_every_step_keeps_every_message

Thread rule: values; any thread.
"""

import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import Enum

from offload.protocol import GenerationParams, Role
from offload.protocol import Message as PromptMessage

TITLE_CHARACTERS = 60


class MessageState(Enum):
    """How a message ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Being written, or cut off: stopped, or the program ended meanwhile."""
    FAILED = "failed"
    """An error ended it; the text so far is kept."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `id` counts from 1 within its conversation, in the order of creation."""

    id: int
    parent: int | None
    """None: it begins the conversation."""
    role: Role
    text: str
    created_ms: int
    """Milliseconds since 1970, UTC."""
    state: MessageState = MessageState.COMPLETE
    failure: str = ""
    """Why it failed, one sentence."""
    receipt: str = ""
    """What the answer took, as `receipt.dump_receipt` writes it; empty: nothing is known."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """All messages of a conversation, which of them are shown, and how it is answered."""

    id: str
    """Unique among all conversations anywhere."""
    created_ms: int
    updated_ms: int
    """When the last message was added; milliseconds since 1970, UTC."""
    title: str = ""
    system_prompt: str = ""
    sampling: GenerationParams = field(default_factory=GenerationParams)
    draft: str = ""
    """What was typed and not yet sent."""
    leaf: int | None = None
    """The last message of the current path."""
    messages: tuple[Message, ...] = ()

    def message(self, message_id: int) -> Message:
        """Return a message.

        Raises:
            IndexError: there is none of that number.
        """
        if not 1 <= message_id <= len(self.messages):
            raise IndexError(f"no message {message_id} among {len(self.messages)}")
        return self.messages[message_id - 1]

    @property
    def current(self) -> Message | None:
        """The last message of the current path."""
        return None if self.leaf is None else self.message(self.leaf)


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of the current path and its place among the branches beside it: "2 of 3"."""

    message: Message
    position: int
    """From 1."""
    count: int


def now_ms() -> int:
    """Return the time as conversations keep it: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def new_conversation(now: int, *, system_prompt: str = "", sampling: GenerationParams | None = None) -> Conversation:
    """Return an empty conversation with an id of its own; `now` in milliseconds since 1970."""
    sampling = GenerationParams() if sampling is None else sampling
    return Conversation(uuid.uuid4().hex, now, now, system_prompt=valid_text(system_prompt), sampling=sampling)


def valid_text(text: str) -> str:
    """Return `text` as what can be stored: half of a surrogate pair becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def title_from(text: str) -> str:
    """Return a title for a conversation that begins with `text`: its first line that says something, cut at a word."""
    line = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    head, _, _ = line[:TITLE_CHARACTERS].rpartition(" ")
    return (head or line[: TITLE_CHARACTERS - 1]) + "…"


# What is shown


def path(conversation: Conversation) -> tuple[Message, ...]:
    """Return the messages of the current path, first to last."""
    found = []
    message = conversation.current
    while message is not None:
        found.append(message)
        message = None if message.parent is None else conversation.message(message.parent)
    return tuple(reversed(found))


def last_of(conversation: Conversation, role: Role) -> Message | None:
    """Return the last message of the current path that `role` wrote."""
    message = conversation.current
    while message is not None and message.role is not role:
        message = None if message.parent is None else conversation.message(message.parent)
    return message


def siblings(conversation: Conversation, message_id: int) -> tuple[int, ...]:
    """Return the branches at a message: the ids of all that have its parent, itself included, oldest first."""
    parent = conversation.message(message_id).parent
    return tuple(message.id for message in conversation.messages if message.parent == parent)


def turns(conversation: Conversation) -> tuple[Turn, ...]:
    """Return the current path with each message's place among its siblings; in one pass over all messages."""
    beside: defaultdict[int | None, list[int]] = defaultdict(list)
    for message in conversation.messages:
        beside[message.parent].append(message.id)
    return tuple(
        Turn(message, beside[message.parent].index(message.id) + 1, len(beside[message.parent]))
        for message in path(conversation)
    )


def prompt_of(conversation: Conversation, message_id: int) -> tuple[PromptMessage, ...]:
    """Return what is sent to have the answer `message_id` written: the system prompt and the messages before it.

    Answers without text are left out, and neighbours of one role become one message: chat templates ask for turns.
    """
    parent = conversation.message(message_id).parent
    earlier = path(replace(conversation, leaf=parent))
    prompt = [PromptMessage(Role.SYSTEM, conversation.system_prompt)] if conversation.system_prompt else []
    for message in earlier:
        if not message.text and message.role is Role.ASSISTANT:
            continue
        if prompt and prompt[-1].role is message.role:
            prompt[-1] = PromptMessage(message.role, f"{prompt[-1].content}\n\n{message.text}")
        else:
            prompt.append(PromptMessage(message.role, message.text))
    return tuple(prompt)


# Steps


def ask(conversation: Conversation, text: str, now: int) -> Conversation:
    """Add what a person says at the end of the current path; it is the leaf of what is returned."""
    return _with_message(conversation, conversation.leaf, Role.USER, text, now)


def begin_answer(conversation: Conversation, now: int) -> Conversation:
    """Add an answer without text, partial, at the end of the current path; it is the leaf of what is returned."""
    return _with_message(conversation, conversation.leaf, Role.ASSISTANT, "", now, MessageState.PARTIAL)


def regenerate(conversation: Conversation, message_id: int, now: int) -> Conversation:
    """Begin another answer beside the answer `message_id`; it is the leaf of what is returned.

    Raises:
        ValueError: the message is no answer.
    """
    message = conversation.message(message_id)
    if message.role is not Role.ASSISTANT:
        raise ValueError(f"message {message_id} is no answer")
    return _with_message(conversation, message.parent, Role.ASSISTANT, "", now, MessageState.PARTIAL)


def edit(conversation: Conversation, message_id: int, text: str, now: int) -> Conversation:
    """Say `text` instead of a message, as a branch beside it; it is the leaf of what is returned."""
    message = conversation.message(message_id)
    return _with_message(conversation, message.parent, message.role, text, now)


def switch(conversation: Conversation, message_id: int) -> Conversation:
    """Show the branch that a message is on, down to its newest leaf."""
    newest = conversation.message(message_id).id
    below = {newest}
    for message in conversation.messages[message_id:]:
        if message.parent in below:
            below.add(message.id)
            newest = message.id
    return replace(conversation, leaf=newest)


def write(
    conversation: Conversation,
    message_id: int,
    text: str,
    state: MessageState = MessageState.PARTIAL,
    *,
    failure: str = "",
    receipt: str = "",
) -> Conversation:
    """Give a message its text so far, or, with another state, its end."""
    old = conversation.message(message_id)
    new = replace(old, text=valid_text(text), state=state, failure=valid_text(failure), receipt=valid_text(receipt))
    messages = conversation.messages
    return replace(conversation, messages=(*messages[: message_id - 1], new, *messages[message_id:]))


def checked(conversation: Conversation) -> Conversation:
    """Return `conversation` where its messages are a tree as this module builds it.

    Raises:
        ValueError: they are not; says which message.
    """
    parents = {message.parent for message in conversation.messages}
    for number, message in enumerate(conversation.messages, start=1):
        if message.id != number:
            raise ValueError(f"message {number} has the number {message.id}")
        if message.parent is not None and not 1 <= message.parent < number:
            raise ValueError(f"message {number} has the parent {message.parent}")
    if (conversation.leaf is None) != (not conversation.messages):
        raise ValueError("the current message is missing")
    if conversation.leaf is not None and not 1 <= conversation.leaf <= len(conversation.messages):
        raise ValueError(f"the current message {conversation.leaf} does not exist")
    if conversation.leaf in parents and conversation.leaf is not None:
        raise ValueError(f"the current message {conversation.leaf} is not the last of its branch")
    return conversation


def _with_message(
    conversation: Conversation,
    parent: int | None,
    role: Role,
    text: str,
    now: int,
    state: MessageState = MessageState.COMPLETE,
) -> Conversation:
    message = Message(len(conversation.messages) + 1, parent, role, valid_text(text), now, state)
    updated = max(now, conversation.updated_ms)
    return replace(conversation, messages=(*conversation.messages, message), leaf=message.id, updated_ms=updated)
