"""Deleted conversations are removed for good, once they were restorable long enough."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.conversations import talk
from fakes.engine_log import WAIT_MS
from fakes.scripted_worker import hello, loads
from offload_app import retention
from offload_app.conversation_store import ConversationStore
from offload_app.places import Places
from offload_app.retention import KEPT_DAYS, Retention
from offload_app.store_opening import OpenedStore
from offload_app.store_thread import StoreThread

DAY_MS = 24 * 60 * 60 * 1000
NOW = 1_800_000_000_000


def deleted_days_ago(store: ConversationStore, days: float) -> str:
    added = store.add(talk("q", "a"))
    store.delete(added.id, NOW - int(days * DAY_MS))
    return added.id


def test_only_what_was_deleted_long_ago_is_removed(qtbot: QtBot) -> None:
    with StoreThread(lambda: OpenedStore(ConversationStore.in_memory())) as store:
        live = store.submit(lambda kept: kept.add(talk("live"))).result(10)
        store.submit(lambda kept: deleted_days_ago(kept, KEPT_DAYS + 0.1)).result(10)
        restorable = store.submit(lambda kept: deleted_days_ago(kept, KEPT_DAYS - 0.1)).result(10)
        parts = Retention(store, lambda: NOW)
        with qtbot.waitSignal(parts.purged, timeout=WAIT_MS) as purged:
            parts.purge()
        assert purged.args == [1]
        assert [found.id for found in store.submit(lambda kept: kept.deleted()).result(10)] == [restorable]
        assert [found.id for found in store.submit(lambda kept: kept.conversations()).result(10)] == [live.id]
        parts.close()


def test_a_start_removes_what_is_due(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AFTER_START_MS", 0)
    places = Places.below(tmp_path)
    places.conversations.parent.mkdir(parents=True)
    with ConversationStore.open(places.conversations) as store:
        store.delete(store.add(talk("q", "a")).id, 1)
    with application(tmp_path, hello(), loads()) as parts:
        qtbot.waitUntil(lambda: not parts.store.submit(lambda s: s.deleted()).result(10), timeout=WAIT_MS)


def test_after_closing_the_store_is_left_alone(qtbot: QtBot) -> None:
    with StoreThread(lambda: OpenedStore(ConversationStore.in_memory())) as store:
        parts = Retention(store, lambda: NOW)
        parts.begin()
        parts.close()
    with qtbot.assertNotEmitted(parts.purged):
        parts.purge()
