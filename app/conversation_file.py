"""Files of exported conversations: JSON or Markdown by the end of the name, written whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from offload_app.conversation import Conversation
from offload_app.conversation_json import from_json, to_json
from offload_app.conversation_markdown import from_markdown, to_markdown
from offload_app.storage.errors import ConversationFileError, FileAccessError

LARGEST_FILE_BYTES = 256 << 20
MARKDOWN_SUFFIXES = (".md", ".markdown")


def export_conversation(conversation: Conversation, file: Path) -> None:
    """Write a conversation to `file`: Markdown where its name ends so, else JSON.

    Raises:
        FileAccessError: it could not be written; what was there before is as it was.
    """
    text = to_markdown(conversation) if _is_markdown(file) else to_json(conversation)
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_bytes(text.encode("utf-8", "replace"))
        os.replace(part, file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _access_error(error, file) from error


def import_conversation(file: Path, now: int) -> Conversation:
    """Return the conversation of `file`, for `ConversationStore.add`; `now` in milliseconds since 1970.

    Raises:
        ConversationFileError: it is none.
        FileAccessError: it could not be read.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise _access_error(error, file) from error
    if len(content) > LARGEST_FILE_BYTES:
        raise ConversationFileError(name=str(file), problem=f"it is larger than {LARGEST_FILE_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConversationFileError(name=str(file), problem=f"it is not UTF-8 at byte {error.start}") from None
    return from_markdown(text, now, str(file)) if _is_markdown(file) else from_json(text, str(file))


def _is_markdown(file: Path) -> bool:
    return file.suffix.lower() in MARKDOWN_SUFFIXES


def _access_error(error: OSError, file: Path) -> FileAccessError:
    return FileAccessError(path=str(file), reason=error.strerror or type(error).__name__)
