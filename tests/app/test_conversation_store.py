"""The store of conversations when nothing goes wrong."""

import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.conversations import long_talk, talk
from offload.protocol import GenerationParams
from offload_app.conversation import (
    Conversation,
    MessageState,
    ask,
    begin_answer,
    new_conversation,
    regenerate,
    switch,
    write,
)
from offload_app.conversation_store import ConversationStore
from offload_app.storage.errors import NoConversationError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "chats.db"


@pytest.fixture
def store(file: Path) -> Iterator[ConversationStore]:
    with ConversationStore.open(file) as store:
        yield store


def titled(store: ConversationStore, *titles: str) -> None:
    for now, title in enumerate(titles):
        store.add(talk("hello", title=title, now=now))


def titles(store: ConversationStore) -> list[str]:
    return [summary.title for summary in store.conversations()]


def test_everything_of_a_conversation_is_there_after_a_reopen(file: Path) -> None:
    conversation = replace(
        regenerate(talk("hello", "hi", title="Greeting"), 2, 9),
        system_prompt="Be brief.",
        sampling=GenerationParams(temperature=0.3, stop=("\n",)),
        draft="and then",
    )
    with ConversationStore.open(file) as store:
        store.add(conversation)
    with ConversationStore.open(file) as store:
        assert store.load(conversation.id) == conversation


def test_an_answer_is_kept_as_it_grows(store: ConversationStore) -> None:
    conversation = begin_answer(ask(store.add(new_conversation(1)), "hello", 2), 3)
    for text in ("", "h", "hi"):
        conversation = write(conversation, 2, text)
        store.save_message(conversation, 2)
        assert store.load(conversation.id) == conversation
    conversation = write(conversation, 2, "hi!", MessageState.COMPLETE, receipt='{"version":1}')
    store.save_message(conversation, 2)
    assert store.load(conversation.id) == conversation


def test_an_answer_off_the_current_path_is_kept_too(store: ConversationStore) -> None:
    conversation = store.add(regenerate(talk("hello", "first"), 2, 3))
    conversation = write(switch(conversation, 2), 3, "second")
    store.save_message(conversation, 3)
    assert store.load(conversation.id) == conversation
    assert conversation.leaf == 2


def test_title_draft_and_settings_are_kept(store: ConversationStore) -> None:
    id = store.add(talk("hello", now=5)).id
    store.set_title(id, "A title \ud800")
    store.set_draft(id, "a draft\0")
    store.set_answering(id, "Be brief.", GenerationParams(seed=4))
    loaded = store.load(id)
    assert (loaded.title, loaded.draft) == ("A title ?", "a draft\0")
    assert (loaded.system_prompt, loaded.sampling) == ("Be brief.", GenerationParams(seed=4))
    assert loaded.updated_ms == 5


def test_an_import_whose_id_is_taken_gets_another(store: ConversationStore) -> None:
    first = store.add(talk("hello"))
    second = store.add(first)
    assert second == replace(first, id=second.id)
    assert {summary.id for summary in store.conversations()} == {first.id, second.id}


def test_the_list_is_by_last_use(store: ConversationStore) -> None:
    titled(store, "a", "b", "c")
    oldest = store.load(store.conversations()[-1].id)
    store.save_tree(ask(oldest, "more", 10))
    assert titles(store) == ["a", "c", "b"]


def test_the_list_comes_in_pages_without_gaps_or_doubles(store: ConversationStore) -> None:
    for number in range(7):
        store.add(talk("hello", title=str(number), now=number // 3))
    seen = list(store.conversations(2))
    while page := store.conversations(2, after=seen[-1]):
        seen += page
    assert [summary.title for summary in seen] == ["6", "5", "4", "3", "2", "1", "0"]


def test_the_list_reads_no_more_rows_than_it_shows(file: Path, store: ConversationStore) -> None:
    with sqlite3.connect(file) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM conversations WHERE deleted_ms IS NULL "
            "ORDER BY updated_ms DESC, key DESC LIMIT 50"
        ).fetchall()
    connection.close()
    assert [row[3] for row in plan] == ["SCAN conversations USING INDEX conversations_by_use"]


def test_a_deleted_conversation_is_gone_until_it_is_restored(store: ConversationStore) -> None:
    conversation = store.add(talk("hello", title="kept"))
    store.delete(conversation.id, 100)
    assert (titles(store), store.search("hello")) == ([], ())
    assert [summary.title for summary in store.deleted()] == ["kept"]
    store.restore(conversation.id)
    assert titles(store) == ["kept"]
    assert len(store.search("hello")) == 1
    assert store.load(conversation.id) == conversation


def test_purging_removes_what_was_deleted_before(store: ConversationStore) -> None:
    old, recent, kept = (store.add(talk("hello", "hi")) for _ in range(3))
    store.delete(old.id, 100)
    store.delete(recent.id, 200)
    assert store.purge(deleted_before=200) == 1
    assert [summary.id for summary in store.deleted()] == [recent.id]
    assert store.load(kept.id) == kept
    with pytest.raises(NoConversationError):
        store.load(old.id)


def test_a_purged_conversation_leaves_no_message(file: Path, store: ConversationStore) -> None:
    store.delete(store.add(regenerate(talk("hello", "hi"), 2, 3)).id, 100)
    store.purge(deleted_before=101)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    connection.close()


def test_a_long_conversation_can_be_purged(store: ConversationStore) -> None:
    store.delete(store.add(long_talk(2_000)).id, 100)
    assert store.purge(deleted_before=101) == 1
    assert store.deleted() == ()


def gone(store: ConversationStore) -> list[object]:
    conversation = talk("hello")
    return [
        lambda: store.load(conversation.id),
        lambda: store.save_tree(conversation),
        lambda: store.save_message(conversation, 1),
        lambda: store.set_title(conversation.id, "x"),
        lambda: store.delete(conversation.id, 1),
        lambda: store.restore(conversation.id),
    ]


@pytest.mark.parametrize("index", range(6))
def test_a_conversation_that_is_not_stored_is_named(store: ConversationStore, index: int) -> None:
    action = gone(store)[index]
    assert callable(action)
    with pytest.raises(NoConversationError, match="is not among those kept"):
        action()


def test_counts_leave_out_what_is_deleted(store: ConversationStore) -> None:
    store.add(talk("hello", "hi"))
    store.delete(store.add(talk("bye")).id, 1)
    assert store.counts() == (1, 2)


def test_five_thousand_messages_load_well_under_a_second(store: ConversationStore) -> None:
    conversation = store.add(long_talk(5_000))
    started = time.process_time()
    assert store.load(conversation.id) == conversation
    assert time.process_time() - started < 1.0


def test_a_second_store_reads_what_the_first_writes(file: Path, store: ConversationStore) -> None:
    with ConversationStore.open(file) as reader:
        conversation = store.add(talk("hello"))
        assert reader.load(conversation.id) == conversation


def test_another_thread_is_refused(store: ConversationStore) -> None:
    refused: list[BaseException] = []

    def ask_elsewhere() -> None:
        try:
            store.conversations()
        except sqlite3.ProgrammingError as error:
            refused.append(error)

    thread = threading.Thread(target=ask_elsewhere)
    thread.start()
    thread.join()
    assert len(refused) == 1


def test_closing_twice_is_harmless_and_ends_all_use(store: ConversationStore) -> None:
    store.close()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.conversations()


def test_a_closed_store_leaves_one_file_that_nobody_else_reads(file: Path) -> None:
    with ConversationStore.open(file) as store:
        store.add(talk("hello"))
    assert [entry.name for entry in file.parent.iterdir()] == ["chats.db"]
    mode = stat.S_IMODE(file.stat().st_mode)
    assert mode == (mode if sys.platform == "win32" else 0o600)


def test_a_copy_is_a_whole_store(store: ConversationStore, tmp_path: Path) -> None:
    conversation = store.add(talk("hello"))
    store.save_copy(tmp_path / "copy.db")
    with ConversationStore.open(tmp_path / "copy.db") as copy:
        assert copy.load(conversation.id) == conversation


def test_a_store_in_memory_does_the_same_and_keeps_nothing(store: ConversationStore) -> None:
    kept: Conversation = store.add(talk("hello", title="kept"))
    with store.copy_in_memory() as memory:
        assert (memory.is_kept, memory.path, store.is_kept) == (False, None, True)
        assert memory.load(kept.id) == kept
        memory.add(talk("fleeting words", title="fleeting"))
        assert [hit.title for hit in memory.search("words")] == ["fleeting"]
    assert titles(store) == ["kept"]
