"""The store after its process was killed: sound, and with all that was said to be saved."""

import subprocess
import sys
from pathlib import Path

import pytest

from fakes import store_writer
from offload_app.conversation import MessageState, checked, path
from offload_app.conversation_store import ConversationStore


@pytest.mark.parametrize("n_answers", [1, 4, 9])
def test_what_was_saved_outlives_the_process(tmp_path: Path, n_answers: int) -> None:
    file = tmp_path / "chats.db"
    command = [sys.executable, store_writer.__file__, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        conversation_id = writer.stdout.readline().strip()
        saved = [int(writer.stdout.readline()) for _ in range(n_answers)]
        writer.kill()
    with ConversationStore.open(file) as store:
        conversation = checked(store.load(conversation_id))
        assert {message.state for message in conversation.messages[: saved[-1]]} == {MessageState.COMPLETE}
        assert [conversation.message(answer).text for answer in saved] == [
            f"answer {turn} whole" for turn in range(1, n_answers + 1)
        ]
        assert len(path(conversation)) == len(conversation.messages)
        assert [hit.id for hit in store.search("whole")] == [conversation_id]
