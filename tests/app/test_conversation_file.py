"""Files of exported conversations."""

from pathlib import Path

import pytest

from fakes.conversations import talk
from offload_app.conversation import path, regenerate
from offload_app.conversation_file import export_conversation, import_conversation
from offload_app.storage.errors import ConversationFileError, FileAccessError


def test_a_json_file_has_the_whole_tree(tmp_path: Path) -> None:
    conversation = regenerate(talk("hello\r\n", "hi ü"), 2, 3)
    export_conversation(conversation, tmp_path / "chat.json")
    assert import_conversation(tmp_path / "chat.json", 7) == conversation


@pytest.mark.parametrize("name", ["chat.md", "chat.MARKDOWN"])
def test_a_markdown_file_has_the_path(tmp_path: Path, name: str) -> None:
    export_conversation(talk("hello\r\n", "hi ü"), tmp_path / name)
    assert [message.text for message in path(import_conversation(tmp_path / name, 7))] == ["hello\r\n", "hi ü"]


def test_an_export_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    for text in ("first", "second"):
        export_conversation(talk(text), tmp_path / "chat.json")
    assert import_conversation(tmp_path / "chat.json", 7).messages[0].text == "second"
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


def test_an_export_into_no_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"chat\.json cannot be read or written: No such file or directory"):
        export_conversation(talk("hello"), tmp_path / "gone" / "chat.json")


def test_an_export_that_cannot_take_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "chat.json").mkdir()
    with pytest.raises(FileAccessError):
        export_conversation(talk("hello"), tmp_path / "chat.json")
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"gone\.json cannot be read"):
        import_conversation(tmp_path / "gone.json", 7)


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "chat.md").write_bytes(b"## User\n\xff")
    with pytest.raises(ConversationFileError, match="it is not UTF-8 at byte 8"):
        import_conversation(tmp_path / "chat.md", 7)


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload_app.conversation_file.LARGEST_FILE_BYTES", 1 << 20)
    (tmp_path / "chat.md").write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(ConversationFileError, match="it is larger than 1 MiB"):
        import_conversation(tmp_path / "chat.md", 7)
