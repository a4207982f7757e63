"""The JSON of an exported conversation: the whole tree, every branch, exactly.

    {"format": "offload-conversation", "version": 1, "conversation": {"id": "..", "title": "..", .., "messages": [..]}}

Reading is strict: what is not exactly such a text is refused, naming the place.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar

from offload.protocol import Role
from offload.protocol_lines import ProtocolError
from offload_app.conversation import Conversation, Message, MessageState, checked, valid_text
from offload_app.sampling import settings_from_json, settings_to_json
from offload_app.storage.errors import ConversationFileError

FORMAT = "offload-conversation"
VERSION = 1
_INTEGER_LIMIT = 2**63

_E = TypeVar("_E", bound=Enum)


def to_json(conversation: Conversation) -> str:
    """Return the JSON text of a conversation with all its branches, indented for reading."""
    fields = {f.name: getattr(conversation, f.name) for f in dataclasses.fields(conversation)}
    fields["sampling"] = settings_to_json(conversation.sampling)
    fields["messages"] = [_message_to_json(message) for message in conversation.messages]
    whole = {"format": FORMAT, "version": VERSION, "conversation": fields}
    return valid_text(json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False)) + "\n"


def from_json(text: str, name: str = "The text") -> Conversation:
    """Return the conversation of a JSON text; `name` is what errors call it.

    Raises:
        ConversationFileError: it is not exactly one.
    """
    try:
        return _conversation(json.loads(text))
    except json.JSONDecodeError as error:
        problem = f"it is not JSON (line {error.lineno})"
    except RecursionError:
        problem = "it is nested too deep"
    except (ValueError, ProtocolError) as error:
        problem = str(error).rstrip(".")
    raise ConversationFileError(name=name, problem=problem)


def _message_to_json(message: Message) -> dict[str, object]:
    fields = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
    fields["role"], fields["state"] = message.role.value, message.state.value
    return fields


def _conversation(whole: object) -> Conversation:
    """Return the conversation of a parsed text.

    Raises:
        ValueError: it is none; says where.
    """
    outer = _object(whole, ("format", "version", "conversation"), "the file")
    if outer["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    if outer["version"] != VERSION:
        raise ValueError(f"it has version {outer['version']!r}, this release reads version {VERSION}")
    fields = _object(outer["conversation"], [f.name for f in dataclasses.fields(Conversation)], "conversation")
    where = "conversation."
    messages = fields["messages"]
    if not isinstance(messages, list):
        raise ValueError("conversation.messages is no list")
    return checked(
        Conversation(
            id=_text(fields, "id", where),
            created_ms=_integer(fields, "created_ms", where),
            updated_ms=_integer(fields, "updated_ms", where),
            title=_text(fields, "title", where),
            system_prompt=_text(fields, "system_prompt", where),
            sampling=settings_from_json(fields["sampling"]),
            draft=_text(fields, "draft", where),
            leaf=_optional(_integer, fields, "leaf", where),
            messages=tuple(_message(fields, f"message {n}") for n, fields in enumerate(messages, start=1)),
        )
    )


def _message(value: object, place: str) -> Message:
    fields = _object(value, [f.name for f in dataclasses.fields(Message)], place)
    where = f"{place}: "
    return Message(
        id=_integer(fields, "id", where),
        parent=_optional(_integer, fields, "parent", where),
        role=_member(Role, fields, "role", where),
        text=_text(fields, "text", where),
        created_ms=_integer(fields, "created_ms", where),
        state=_member(MessageState, fields, "state", where),
        failure=_text(fields, "failure", where),
        receipt=_text(fields, "receipt", where),
    )


def _object(value: object, names: "list[str] | tuple[str, ...]", where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")
    for name in names:
        if name not in value:
            raise ValueError(f"{where} lacks {name!r}")
    unknown = next((name for name in value if name not in names), None)
    if unknown is not None:
        raise ValueError(f"{where} has the unknown field {unknown[:60]!r}")
    return value


def _text(fields: Mapping[str, object], name: str, where: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise ValueError(f"{where}{name} is no text")
    return valid_text(value)


def _integer(fields: Mapping[str, object], name: str, where: str) -> int:
    value = fields[name]
    if type(value) is not int or not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise ValueError(f"{where}{name} is no integer of 64 bits")
    return value


def _optional(
    read: Callable[[Mapping[str, object], str, str], int], fields: Mapping[str, object], name: str, where: str
) -> int | None:
    return None if fields[name] is None else read(fields, name, where)


def _member(kind: type[_E], fields: Mapping[str, object], name: str, where: str) -> _E:
    for member in kind:
        if member.value == fields[name]:
            return member
    raise ValueError(f"{where}{name} is none of {', '.join(str(member.value) for member in kind)}")
