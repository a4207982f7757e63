"""The folder watch: looks at the models' folder in a thread, again when it changes, while anybody wants to know.

    RESTING ──look──▶ LOOKING ──done──▶ RESTING
                         └──look──▶ LOOKING, and once more afterwards

Invariants, each with its test in tests/app/library/test_folder_watch.py:
1. The last wish is looked at, and told in the thread of the event loop; looks never overlap.
2. While watching, a change of the folder is told without being asked for.
3. After `close` nothing is told.

Thread rule: the thread of Qt's event loop only; the disk is read in a thread of its own.
"""

import queue
import threading
from collections.abc import Callable, Iterable

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from offload_app.model_folder import FolderScan, scan_folder

MOST_WATCHED = 64
"""Folders the system is asked to tell of; what changes elsewhere is seen by the next look."""
LOOK_EVERY_MS = 5000
_SETTLE_MS = 300
"""Files often change several times in a row."""
_POLL_MS = 20

Scan = Callable[[str, Iterable[str]], FolderScan]


class FolderWatch(QObject):
    """Looks at a folder and at single files; `scan` reads the disk."""

    scanned = Signal(object)
    """FolderScan."""

    def __init__(
        self,
        scan: Scan = scan_folder,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._scan = scan
        self._wish: tuple[str, tuple[str, ...]] = ("", ())
        self._is_looking = False
        self._looks_again = False
        self._is_watching = False
        self._is_closed = False
        self._watcher = QFileSystemWatcher(self)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._regular = QTimer(self, interval=LOOK_EVERY_MS)
        self._watcher.directoryChanged.connect(lambda _: self._settle.start())
        for timer in (self._settle, self._regular):
            timer.timeout.connect(self.look_again)
        # A queue that is polled: the thread must not be what keeps an object of Qt alive, and so what deletes it.
        self._results: queue.SimpleQueue[FolderScan] = queue.SimpleQueue()
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._take)

    @property
    def watched_folders(self) -> tuple[str, ...]:
        """Return the folders the system tells of."""
        return tuple(self._watcher.directories())

    def look(self, folder: str, others: Iterable[str]) -> None:
        """Look at `folder` and at the files `others`; `scanned` follows."""
        self._wish = (folder, tuple(others))
        self.look_again()

    def look_again(self) -> None:
        """Look once more at what was looked at last."""
        if self._is_closed or not self._wish[0]:
            return
        if self._is_looking:
            self._looks_again = True
            return
        self._is_looking = True
        self._poll.start()
        work = (self._scan, *self._wish, self._results)
        threading.Thread(target=_look, args=work, name="model-folder", daemon=True).start()

    def watch(self, is_wanted: bool) -> None:
        """Look again whenever something changes, from now on or no more."""
        if is_wanted == self._is_watching or self._is_closed:
            return
        self._is_watching = is_wanted
        if is_wanted:
            self._regular.start()
            self.look_again()
        else:
            self._regular.stop()
            self._settle.stop()
            self._watch_folders(())

    def close(self) -> None:
        """Look at nothing more; a look that runs is told to nobody."""
        self.watch(False)
        self._poll.stop()
        self._is_closed = True

    def _take(self) -> None:
        try:
            scan = self._results.get_nowait()
        except queue.Empty:
            return
        self._poll.stop()
        self._is_looking = False
        if self._looks_again:
            self._looks_again = False
            self.look_again()
            return
        if self._is_watching:
            self._watch_folders(scan.folders[:MOST_WATCHED])
        self.scanned.emit(scan)

    def _watch_folders(self, folders: tuple[str, ...]) -> None:
        watched = self._watcher.directories()
        if gone := [folder for folder in watched if folder not in folders]:
            self._watcher.removePaths(gone)
        if new := [folder for folder in folders if folder not in watched]:
            self._watcher.addPaths(new)


def _look(scan: Scan, folder: str, others: tuple[str, ...], results: "queue.SimpleQueue[FolderScan]") -> None:
    """Look at the disk; in a thread of its own."""
    results.put(scan(folder, others))
