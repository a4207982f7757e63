"""The search over titles and contents, with the index and without it."""

import sqlite3
from pathlib import Path

import pytest

from fakes.conversations import talk
from offload_app.conversation import MessageState, ask, begin_answer, regenerate, write
from offload_app.conversation_store import ConversationStore
from offload_app.storage.search_index import has_full_text

BOTH = pytest.mark.parametrize("full_text", [True, False], ids=["index", "scan"])


def opened(tmp_path: Path, full_text: bool) -> ConversationStore:
    return ConversationStore.open(tmp_path / "chats.db", full_text=full_text)


def found(store: ConversationStore, text: str) -> list[tuple[str, int | None]]:
    return [(hit.title, hit.message_id) for hit in store.search(text)]


def test_this_sqlite_has_an_index() -> None:
    assert has_full_text()


@BOTH
def test_titles_and_messages_are_found_last_used_first(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk("about Rain", "rain again", title="one", now=1))
        store.add(talk("sun", title="No rain", now=2))
        store.add(talk("sun", title="three", now=3))
        assert found(store, "rain") == [("No rain", None), ("one", 2)]


@BOTH
def test_all_words_are_in_one_message_or_in_the_title(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk("green eggs", "and ham", title="apart"))
        store.add(talk("ham, eggs and green", title="together"))
        store.add(talk("x", title="Eggs of green ham"))
        assert sorted(found(store, "green  ham")) == [("Eggs of green ham", None), ("together", 1)]


@BOTH
def test_the_beginning_of_a_word_is_enough(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk("the Weather today"))
        assert len(store.search("wea tod")) == 1


@BOTH
def test_every_branch_is_searched(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(regenerate(talk("hello", "first"), 2, 3))
        assert found(store, "first") == [("", 2)]


@BOTH
def test_what_changes_is_found_by_its_new_text_alone(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        conversation = begin_answer(ask(store.add(talk(title="old")), "hello", 1), 2)
        store.save_message(write(conversation, 2, "draught"), 2)
        store.save_message(write(conversation, 2, "final", MessageState.COMPLETE), 2)
        store.set_title(conversation.id, "new")
        assert [len(store.search(word)) for word in ("draught", "final", "old", "new")] == [0, 1, 0, 1]


@BOTH
@pytest.mark.parametrize("text", ["", "  ", "\0", '"', "'", "*", "%", "_", "\\", "NOT", "a OR", "(", "title:x", "-"])
def test_no_text_is_an_error_and_nothing_is_a_wildcard(tmp_path: Path, full_text: bool, text: str) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk("hello", title="greeting"))
        assert store.search(text) == ()


@BOTH
@pytest.mark.parametrize("text", ["100%", "C++", "++", '"quoted"', "a_b", "天气", "今天天", "back\\slash"])
def test_signs_and_scripts_without_spaces_are_found(tmp_path: Path, full_text: bool, text: str) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk('It is 100% C++ and "quoted" a_b back\\slash, 今天天气很好。', title="signs"))
        assert found(store, text) == [("signs", 1)]


def test_the_index_ignores_case_and_accents(tmp_path: Path) -> None:
    with opened(tmp_path, full_text=True) as store:
        store.add(talk("Ein ÄRGERNIS, naïve"))
        assert len(store.search("argernis NAIVE")) == 1


@BOTH
def test_a_snippet_is_the_text_around_the_word(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        store.add(talk("before " * 20 + "\nthe Needle\n" + "after " * 30, title="hay"))
        store.add(talk("nothing", title="A needle in the title"))
        in_title, in_text = (hit.snippet for hit in store.search("needle"))
    assert in_title == "A needle in the title"
    assert in_text.startswith("…")
    assert in_text.endswith("…")
    assert "before the Needle after" in in_text
    assert len(in_text) < 130


@BOTH
def test_no_more_is_found_than_asked_for(tmp_path: Path, full_text: bool) -> None:
    with opened(tmp_path, full_text) as store:
        for now in range(5):
            store.add(talk("hello", now=now))
        assert [hit.updated_ms for hit in store.search("hello", limit=2)] == [4, 3]


def test_a_sqlite_without_index_writes_and_one_with_it_catches_up(tmp_path: Path) -> None:
    with opened(tmp_path, full_text=True) as store:
        conversation = store.add(talk("hello", title="first"))
    with opened(tmp_path, full_text=False) as store:
        store.save_tree(ask(conversation, "written without", 2))
        store.set_title(conversation.id, "second")
        assert found(store, "without") == [("second", 2)]
    triggers = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
    connection = sqlite3.connect(tmp_path / "chats.db")
    assert connection.execute(triggers).fetchone() == (0,)
    connection.close()
    with opened(tmp_path, full_text=True) as store:
        assert found(store, "without") == [("second", 2)]
        assert (found(store, "second"), found(store, "first")) == ([("second", None)], [])
