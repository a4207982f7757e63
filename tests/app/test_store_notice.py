"""What is told of trouble with the conversations."""

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import StoreError, StoreLockedError, StoreReadOnlyError
from offload_app.store_notice import StoreNotice, store_notice
from offload_app.store_opening import OpenedStore
from offload_app.store_thread import StoreThread


@pytest.mark.parametrize("kind", [StoreLockedError, StoreReadOnlyError])
def test_what_failed_and_what_to_do_is_told(kind: type[StoreError]) -> None:
    trouble = kind(path="/c.db")
    assert store_notice(trouble).text == str(trouble)


def test_trouble_is_told_once_the_file_has_been_opened(qtbot: QtBot) -> None:
    trouble = StoreLockedError(path="/c.db")
    with StoreThread(lambda: OpenedStore(ConversationStore.in_memory(), trouble)) as store:
        watching = StoreNotice(store)
        with qtbot.waitSignal(watching.notice) as told:
            pass
        assert told.args == [store_notice(trouble)]


def test_a_sound_file_is_nothing_to_tell_of(qtbot: QtBot, tmp_path: Path) -> None:
    with StoreThread(lambda: OpenedStore(ConversationStore.in_memory())) as store:
        watching = StoreNotice(store)
        told: list[object] = []
        watching.notice.connect(told.append)
        store.opened.result()
        QCoreApplication.processEvents()
        assert told == []
