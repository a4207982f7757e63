"""`open_store`: opens the conversations, whatever has become of their file, and says what is wrong.

sound                            the file is used
damaged                          moved aside; a new file has what could be read
locked, read-only, full, other   a copy in memory is used, of what can be read
written by a newer release       an empty store in memory is used; the file is left as it is
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from offload_app.conversation_store import ConversationStore
from offload_app.storage.database import Access, Connect, Database, connect, translated
from offload_app.storage.errors import (
    NewerStoreError,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
    StoreRescuedError,
    system_error,
)
from offload_app.storage.rescue import Readable, readable_conversations, set_aside
from offload_app.storage.schema import MIGRATIONS, Clock, Migration, dated


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store that can be used, and what a person must be told about it."""

    store: ConversationStore
    trouble: StoreError | None = None
    """What is wrong with the file; `store.is_kept` says whether new messages are kept all the same."""


def open_store(
    path: Path,
    *,
    connect: Connect = connect,
    migrations: tuple[Migration, ...] = MIGRATIONS,
    clock: Clock = datetime.now,
) -> OpenedStore:
    """Open the conversations in `path`; never raises a StoreError."""
    open_file = partial(ConversationStore.open, path, connect=connect, migrations=migrations, clock=clock)
    try:
        return OpenedStore(open_file())
    except NewerStoreError as trouble:
        return OpenedStore(ConversationStore.in_memory(), trouble)
    except StoreDamagedError as trouble:
        rescued = _in_memory_with(readable_conversations(path, connect))
        try:
            moved_to = _replace(path, rescued, clock)
            store = open_file()
        except StoreError:
            return OpenedStore(rescued, trouble)
    except StoreError as trouble:
        return OpenedStore(_copy_of(path, connect, migrations), trouble)
    n_conversations, n_messages = rescued.counts()
    rescued.close()
    fields = {"path": str(path), "moved_to": str(moved_to)}
    return OpenedStore(store, StoreRescuedError(**fields, n_conversations=n_conversations, n_messages=n_messages))


def _replace(path: Path, rescued: ConversationStore, clock: Clock) -> Path:
    """Put what was rescued in the place of a damaged file; returns where that one is now.

    The new file is whole before the old one is touched: where there is no room for it, nothing has happened.
    """
    fresh = dated(path, "rescued", clock())
    rescued.save_copy(fresh)
    try:
        moved_to = set_aside(path, clock)
    except StoreError:
        with suppress(OSError):
            fresh.unlink()
        raise
    try:
        fresh.rename(path)
    except OSError as error:
        raise system_error(error, path) from error
    return moved_to


def _in_memory_with(rescued: tuple[Readable, ...]) -> ConversationStore:
    store = ConversationStore.in_memory()
    for found in rescued:
        added = store.add(found.conversation)
        if found.deleted_ms is not None:
            store.delete(added.id, found.deleted_ms)
    return store


def _copy_of(path: Path, connect: Connect, migrations: tuple[Migration, ...]) -> ConversationStore:
    """Return a store in memory with all that can be read of the file."""
    for access in (Access.READ, Access.FROZEN):
        if not path.exists():
            break
        try:
            with translated(path):
                source = Database(connect(path, access), path)
            try:
                return ConversationStore.in_memory(source, migrations)
            finally:
                source.close()
        except StoreLockedError:
            break  # frozen, it would be read while it is being written
        except StoreError:
            continue
    return ConversationStore.in_memory()
