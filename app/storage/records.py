"""Conversations and messages as rows of the tables, and back."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from offload.protocol import Role
from offload_app.conversation import Conversation, Message, MessageState, checked, switch, valid_text
from offload_app.sampling import settings_to_json, stored_settings
from offload_app.storage.database import Row

CONVERSATION_COLUMNS = "id, created_ms, updated_ms, title, system_prompt, sampling, draft, leaf"
MESSAGE_COLUMNS = "number, parent, role, text, created_ms, state, failure, receipt"


def insert_conversation(connection: sqlite3.Connection, conversation: Conversation) -> None:
    """Write a conversation and all its messages."""
    row = (
        conversation.id,
        conversation.created_ms,
        conversation.updated_ms,
        valid_text(conversation.title),
        valid_text(conversation.system_prompt),
        json.dumps(settings_to_json(conversation.sampling)),
        valid_text(conversation.draft),
        conversation.leaf,
    )
    marks = ", ".join("?" * len(row))
    key = connection.execute(f"INSERT INTO conversations ({CONVERSATION_COLUMNS}) VALUES ({marks})", row).lastrowid
    assert key is not None
    insert_messages(connection, key, conversation.messages)


def insert_messages(connection: sqlite3.Connection, key: int, messages: Iterable[Message]) -> None:
    """Write messages of the conversation whose row is `key`; parents come before their children."""
    connection.executemany(
        f"INSERT INTO messages (conversation, {MESSAGE_COLUMNS}) VALUES ({', '.join('?' * 9)})",
        ((key, *_message_row(message)) for message in messages),
    )


def update_messages(connection: sqlite3.Connection, key: int, messages: Iterable[Message]) -> None:
    """Write the texts and ends of messages that are stored."""
    connection.executemany(
        "UPDATE messages SET text = ?, state = ?, failure = ?, receipt = ? WHERE conversation = ? AND number = ?",
        ((*_end_of(message), key, message.id) for message in messages),
    )


def conversation_from(row: Row, message_rows: Iterable[Row]) -> Conversation:
    """Return the conversation of its row and its messages' rows, in order.

    Raises:
        ValueError: they are no conversation.
    """
    conversation_id, created_ms, updated_ms, title, system_prompt, sampling, draft, leaf = row
    return checked(
        Conversation(
            conversation_id,
            created_ms,
            updated_ms,
            title,
            system_prompt,
            stored_settings(sampling),
            draft,
            leaf,
            tuple(map(message_from, message_rows)),
        )
    )


def message_from(row: Row) -> Message:
    """Return the message of its row.

    Raises:
        ValueError: the row has a role or state that there is not.
    """
    number, parent, role, text, created_ms, state, failure, receipt = row
    return Message(number, parent, Role(role), text, created_ms, MessageState(state), failure, receipt)


def mended(conversation: Conversation) -> Conversation:
    """Return a conversation of messages some of which are missing as a whole one.

    Messages are numbered anew; one whose parent is missing follows the message before it. The messages are in the order
    of their old ids, and the leaf is an old id.
    """
    numbers: dict[int, int] = {}
    messages: list[Message] = []
    for message in conversation.messages:
        parent = None if message.parent is None else numbers.get(message.parent, len(messages) or None)
        numbers[message.id] = len(messages) + 1
        messages.append(replace(message, id=len(messages) + 1, parent=parent))
    whole = replace(conversation, leaf=None, messages=tuple(messages))
    if not messages:
        return whole
    leaf = len(messages) if conversation.leaf is None else numbers.get(conversation.leaf, len(messages))
    return checked(switch(whole, leaf))


def _message_row(message: Message) -> Row:
    text, *end = _end_of(message)
    return message.id, message.parent, message.role.value, text, message.created_ms, *end


def _end_of(message: Message) -> tuple[str, str, str, str]:
    return valid_text(message.text), message.state.value, valid_text(message.failure), valid_text(message.receipt)
