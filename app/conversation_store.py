"""`ConversationStore`: keeps conversations in a SQLite database, finds them again, and says plainly when it cannot.

    open       every step of a conversation is written as it is made
    in memory  the same in all else; nothing is kept when it is closed (`is_kept` is false)
    closed     nothing can be asked of it

Invariants, each proved by the test named (tests/app/):
 1. What was saved is there after a reopen, every branch of it.   test_conversation_rules.py
 2. A killed process leaves a sound database with all it saved.   test_conversation_store_killed.py
 3. A failed write changes nothing, and reading goes on.          test_conversation_store_failures.py
 4. The next save after a failed one writes what that one missed. test_a_save_makes_up_for_one_that_failed
 5. An older database is copied before its tables are changed.    storage/test_schema.py

Thread rule: for the thread that opened it alone, and for none that paints: calls are short, but now and then one waits
for the disk while the log is moved into the file, and a write waits up to `BUSY_SECONDS` for another process.
`StoreThread` has one in a thread of its own. A second store on the same file may read at any time.
"""

import json
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from offload.protocol import GenerationParams
from offload_app.conversation import Conversation, valid_text
from offload_app.sampling import settings_to_json
from offload_app.storage.database import Connect, Database, connect
from offload_app.storage.errors import NoConversationError, StoreDamagedError
from offload_app.storage.records import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    conversation_from,
    insert_conversation,
    insert_messages,
    update_messages,
)
from offload_app.storage.schema import MIGRATIONS, Clock, Migration, migrate
from offload_app.storage.search_index import SearchHit, ensure_index, find, has_full_text, rebuild_index

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation as a list shows it."""

    id: str
    title: str
    created_ms: int
    updated_ms: int


class ConversationStore:
    """All conversations that are kept."""

    def __init__(self, database: Database, *, full_text: bool | None = None) -> None:
        """Take over a database whose tables are up to date; `full_text` None: searched as this SQLite can.

        Raises:
            StoreError: the search index could not be made.
        """
        self._database = database
        self._full_text = has_full_text() if full_text is None else full_text
        self._missed: dict[str, set[int]] = {}
        """Messages by conversation whose last save failed."""
        ensure_index(database, full_text=self._full_text)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        connect: Connect = connect,
        migrations: tuple[Migration, ...] = MIGRATIONS,
        clock: Clock = datetime.now,
        full_text: bool | None = None,
    ) -> Self:
        """Open the database `path`, made where there is none, checked, and brought up to date.

        Raises:
            StoreError: one of the tree in `storage.errors`; nothing stays open.
        """
        database = Database.open(path, connect)
        try:
            migrate(database, migrations, clock=clock, connect=connect)
            return cls(database, full_text=full_text)
        except BaseException:
            database.close()
            raise

    @classmethod
    def in_memory(cls, source: Database | None = None, migrations: tuple[Migration, ...] = MIGRATIONS) -> Self:
        """Make a store that keeps nothing after it is closed, with all that `source` has.

        Raises:
            StoreError: `source` could not be read.
        """
        database = Database.in_memory(source)
        try:
            migrate(database, migrations)
            return cls(database)
        except BaseException:
            database.close()
            raise

    @property
    def path(self) -> Path | None:
        """The file; None: there is none."""
        return self._database.path

    @property
    def is_kept(self) -> bool:
        """Whether what is saved is there after a restart."""
        return self._database.path is not None

    def copy_in_memory(self) -> Self:
        """Return a store in memory with everything of this one, for when this one can no longer be written.

        Raises:
            StoreError: this one cannot be read.
        """
        return type(self).in_memory(self._database)

    def save_copy(self, path: Path) -> None:
        """Write a database with everything of this one to the new file `path`.

        Raises:
            StoreError: it could not be written; nothing is left there.
        """
        self._database.save_copy(path)

    def close(self) -> None:
        """Close the database; a second time does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Conversations. Every method raises StoreError where the database fails, and NoConversationError where `id` is
    # that of no conversation.

    def add(self, conversation: Conversation) -> Conversation:
        """Write a new conversation; returned with another id where its own is taken."""
        taken = self._database.row("SELECT 1 FROM conversations WHERE id = ?", (conversation.id,))
        added = conversation if taken is None else replace(conversation, id=uuid.uuid4().hex)
        self._write(lambda connection: insert_conversation(connection, added))
        return added

    def load(self, id: str) -> Conversation:
        """Return a conversation with all its messages.

        Raises:
            StoreDamagedError: its messages are no tree.
        """
        row = self._database.row(f"SELECT {CONVERSATION_COLUMNS} FROM conversations WHERE id = ?", (id,))
        if row is None:
            raise NoConversationError(id=id)
        messages = self._database.rows(
            f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation = (SELECT key FROM conversations WHERE id = ?) "
            "ORDER BY number",
            (id,),
        )
        try:
            return conversation_from(row, messages)
        except ValueError as error:
            raise StoreDamagedError(path=str(self.path)) from error

    def save_tree(self, conversation: Conversation) -> None:
        """Write the messages that are not stored yet, and which of them are shown."""
        self._save(conversation, set())

    def save_message(self, conversation: Conversation, message_id: int) -> None:
        """Write the text and end of one message, and what `save_tree` writes; cheap enough for every second."""
        self._save(conversation, {message_id})

    def set_title(self, id: str, title: str) -> None:
        """Give a conversation its title."""
        self._set(id, "title = ?", valid_text(title))

    def set_draft(self, id: str, draft: str) -> None:
        """Keep what was typed and not sent."""
        self._set(id, "draft = ?", valid_text(draft))

    def set_answering(self, id: str, system_prompt: str, sampling: GenerationParams) -> None:
        """Set how a conversation is answered."""
        self._set(
            id, "system_prompt = ?, sampling = ?", valid_text(system_prompt), json.dumps(settings_to_json(sampling))
        )

    # Lists

    def conversations(
        self, limit: int = 50, after: ConversationSummary | None = None
    ) -> tuple[ConversationSummary, ...]:
        """Return the conversations that are not deleted, last used first: the next `limit` after the one given."""
        order = "ORDER BY updated_ms DESC, key DESC LIMIT ?"
        if after is None:
            return self._summaries(f"deleted_ms IS NULL {order}", limit)
        older = "(updated_ms, key) < (?, (SELECT key FROM conversations WHERE id = ?))"
        return self._summaries(f"deleted_ms IS NULL AND {older} {order}", after.updated_ms, after.id, limit)

    def deleted(self, limit: int = 50) -> tuple[ConversationSummary, ...]:
        """Return the deleted conversations that can be restored, last deleted first."""
        return self._summaries("deleted_ms IS NOT NULL ORDER BY deleted_ms DESC, key DESC LIMIT ?", limit)

    def search(self, text: str, limit: int = 50) -> tuple[SearchHit, ...]:
        """Return the conversations that have all words of `text` in their title or in one message, last used first."""
        return self._with_sound_index(lambda: find(self._database, text, limit, full_text=self._full_text))

    def counts(self) -> tuple[int, int]:
        """Return how many conversations there are that are not deleted, and how many messages in them."""
        of_live = "SELECT key FROM conversations WHERE deleted_ms IS NULL"
        counts = f"SELECT (SELECT count(*) FROM ({of_live})), count(*) FROM messages WHERE conversation IN ({of_live})"
        ((n_conversations, n_messages),) = self._database.rows(counts)
        return n_conversations, n_messages

    # Deletion

    def delete(self, id: str, now: int) -> None:
        """Take a conversation out of list and search; `restore` brings it back until it is purged."""
        self._set(id, "deleted_ms = ?", now)

    def restore(self, id: str) -> None:
        """Undo `delete`."""
        self._set(id, "deleted_ms = ?", None)

    def purge(self, deleted_before: int) -> int:
        """Remove for good what was deleted before that time (milliseconds since 1970); returns how many."""

        def work(connection: sqlite3.Connection) -> int:
            return connection.execute("DELETE FROM conversations WHERE deleted_ms < ?", (deleted_before,)).rowcount

        return self._write(work)

    def _save(self, conversation: Conversation, changed: set[int]) -> None:
        """Write new messages, those that changed, and those of them that an earlier save could not write."""
        changed = changed | self._missed.get(conversation.id, set())

        def work(connection: sqlite3.Connection) -> None:
            key, n_stored = _stored(connection, conversation.id)
            insert_messages(connection, key, conversation.messages[n_stored:])
            update_messages(connection, key, (conversation.message(id) for id in changed if id <= n_stored))
            connection.execute(
                "UPDATE conversations SET leaf = ?, updated_ms = ? WHERE key = ?",
                (conversation.leaf, conversation.updated_ms, key),
            )

        self._missed[conversation.id] = changed
        self._write(work)
        del self._missed[conversation.id]

    def _set(self, id: str, columns: str, *values: object) -> None:
        def work(connection: sqlite3.Connection) -> None:
            changed = connection.execute(f"UPDATE conversations SET {columns} WHERE id = ?", (*values, id))
            if changed.rowcount == 0:
                raise NoConversationError(id=id)

        self._write(work)

    def _summaries(self, where: str, *values: object) -> tuple[ConversationSummary, ...]:
        rows = self._database.rows(f"SELECT id, title, created_ms, updated_ms FROM conversations WHERE {where}", values)
        return tuple(ConversationSummary(*row) for row in rows)

    def _write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        def transaction() -> _T:
            with self._database.transaction() as connection:
                return work(connection)

        return self._with_sound_index(transaction)

    def _with_sound_index(self, work: Callable[[], _T]) -> _T:
        """Return what `work` does, made a second time with a new index where only the index is damaged."""
        try:
            return work()
        except StoreDamagedError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", None)
            if code != sqlite3.SQLITE_CORRUPT_VTAB:
                raise
        rebuild_index(self._database)
        return work()


def _stored(connection: sqlite3.Connection, id: str) -> tuple[int, int]:
    """Return the key of a conversation's row, and how many messages it has."""
    newest = "(SELECT max(number) FROM messages WHERE conversation = c.key)"
    found = connection.execute(f"SELECT c.key, {newest} FROM conversations c WHERE c.id = ?", (id,))
    row: tuple[int, int | None] | None = found.fetchone()
    if row is None:
        raise NoConversationError(id=id)
    return row[0], row[1] or 0
