r"""The Markdown of an exported conversation: roles and texts of the current path, for reading anywhere.

    # Title

    ## User

    What is said, as it is.

A line of a text that would be taken for such a heading gets a backslash before it, which Markdown does not show and
reading takes away again: every text comes back as it was.
"""

import re
import uuid

from offload.protocol import Role
from offload_app.conversation import Conversation, Message, path, valid_text
from offload_app.storage.errors import ConversationFileError

_HEADINGS = {Role.SYSTEM: "System", Role.USER: "User", Role.ASSISTANT: "Assistant"}
_ROLES = {heading: role for role, heading in _HEADINGS.items()}
_HEADING = re.compile(rf"^## ({'|'.join(_ROLES)})[ \t]*$", re.MULTILINE)
_LIKE_HEADING = re.compile(rf"^(\\*)(?=## (?:{'|'.join(_ROLES)})[ \t]*$)", re.MULTILINE)
_ESCAPED_HEADING = re.compile(rf"^\\(?=\\*## (?:{'|'.join(_ROLES)})[ \t]*$)", re.MULTILINE)
_TITLE = re.compile(r"\A# ?(.*)")


def to_markdown(conversation: Conversation) -> str:
    """Return title, system prompt and current path as Markdown; other branches and settings are not in it."""
    parts = [f"# {' '.join(conversation.title.split())}\n"]
    said = [(Role.SYSTEM, conversation.system_prompt)] if conversation.system_prompt else []
    said += [(message.role, message.text) for message in path(conversation)]
    parts += [f"\n## {_HEADINGS[role]}\n\n{_LIKE_HEADING.sub(_escaped, text)}\n" for role, text in said]
    return "".join(parts)


def from_markdown(text: str, now: int, name: str = "The text") -> Conversation:
    """Return a new conversation of one branch, as `to_markdown` writes it; `now` in milliseconds since 1970.

    A system prompt that is not at the beginning becomes a message. `name` is what errors call the text.

    Raises:
        ConversationFileError: it has no heading of a role, or text before the first that is no title.
    """
    text = valid_text(text.removeprefix("\ufeff"))
    if re.match(r"[^\n]*\r\n", text):
        text = text.replace("\r\n", "\n")
    head, *blocks = _HEADING.split(f"{text}\n")
    title = _TITLE.match(head)
    if title is not None:
        head = head[title.end() :]
    if not blocks and title is None:
        raise ConversationFileError(name=name, problem="it has no heading like '## User'")
    if head.strip():
        raise ConversationFileError(name=name, problem="it has text before the first heading like '## User'")
    said = [(_ROLES[role], _body(body)) for role, body in zip(blocks[::2], blocks[1::2], strict=True)]
    system_prompt = said.pop(0)[1] if said and said[0][0] is Role.SYSTEM else ""
    messages = tuple(
        Message(number, number - 1 or None, role, body, now) for number, (role, body) in enumerate(said, start=1)
    )
    return Conversation(
        id=uuid.uuid4().hex,
        created_ms=now,
        updated_ms=now,
        title=title[1].strip() if title else "",
        system_prompt=system_prompt,
        leaf=len(messages) or None,
        messages=messages,
    )


def _escaped(found: re.Match[str]) -> str:
    return found[1] + "\\"


def _body(block: str) -> str:
    """Return the text of what follows a heading: without the blank lines that separate it from its neighbours."""
    block = block.removeprefix("\n").removeprefix("\n").removesuffix("\n").removesuffix("\n")
    return _ESCAPED_HEADING.sub("", block)
