"""The downloads: a queue of models that are got from the hub one after the other; no widget.

    WAITING ──its turn──▶ RUNNING ──all has come──▶ DONE
       ▲                  │  │  └──pause──▶ PAUSING ──stopped──▶ PAUSED
       └────resume────────┼──┴──refused──▶ FAILED                  │
                          └──────remove, what has come too──▶ DISCARDING ──▶ gone

Invariants, each with its test in tests/app/library/test_downloads.py:
1. One download runs at a time; the others come after it in the order they were wanted.
2. A pause, an error and any end of the program leave on the disk what has come; a resume goes on from there.
3. After a start everything rests: nothing is asked of the network before a person wants it.
4. What is wanted is kept on the disk with every change of it.
5. A model comes into a folder once: wanted again, it is resumed.
6. What has come is removed only where a person wants that, and never while it is still coming.

Thread rule: the thread of Qt's event loop only.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from offload.protocol import PullPhase
from offload.protocol_errors import ErrorReport
from offload.protocol_hub import Discard, Pull, Pulling
from offload_app.library.download import Download, DownloadState
from offload_app.library.download_file import DownloadFile
from offload_app.library.library_client import LibraryClient
from offload_app.library.transfer_rate import TransferRate

Key = tuple[str, str]
_RESTING = (DownloadState.PAUSED, DownloadState.FAILED)


class Downloads(QObject):
    """What a person wants from the hub; `puller` downloads, `scout` removes what has come."""

    changed = Signal()
    finished = Signal(object)
    """Download: it is there, whole."""
    failed = Signal(object)
    """Download, with its refusal."""

    def __init__(
        self,
        puller: LibraryClient,
        scout: LibraryClient,
        file: DownloadFile,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._puller, self._scout, self._file, self._clock = puller, scout, file, clock
        self._downloads: dict[Key, Download] = {download.key: download for download in file.read()}
        self._running: tuple[int, Key] | None = None
        self._discarding: dict[int, Key] = {}
        self._rate = TransferRate()
        self._is_closed = False
        puller.pulling.connect(self._on_pulling)
        puller.pulled.connect(self._on_pulled)
        puller.refused.connect(self._on_refused)
        puller.cancelled.connect(self._on_cancelled)
        scout.discarded.connect(lambda request, _: self._on_discarded(request))
        scout.refused.connect(self._on_discard_refused)

    @property
    def all(self) -> tuple[Download, ...]:
        """Return all downloads in their order."""
        return tuple(self._downloads.values())

    @property
    def n_under_way(self) -> int:
        """Return how many run or wait for their turn."""
        return sum(download.is_under_way for download in self._downloads.values())

    @property
    def running(self) -> Download | None:
        """Return the one that runs."""
        return self._downloads.get(self._running[1]) if self._running is not None else None

    def of(self, name: str, folder: str) -> Download | None:
        """Return the download of a model into a folder."""
        return self._downloads.get((name.casefold(), folder))

    def add(self, name: str, folder: str, title: str, total_bytes: int = 0) -> None:
        """Want a model; where it rests, go on with it."""
        before = self.of(name, folder)
        if before is None or before.state is DownloadState.DONE:
            download = Download(name, folder, title, total_bytes=total_bytes)
            # At the end, also where it was there before.
            self._downloads.pop(download.key, None)
            self._downloads[download.key] = download
            self._keep()
        else:
            self.resume(before.key)

    def pause(self, key: Key) -> None:
        """Let a download rest; what has come is kept."""
        download = self._downloads.get(key)
        if download is None:
            return
        if download.state is DownloadState.WAITING:
            self._put(key, state=DownloadState.PAUSED)
        elif download.state is DownloadState.RUNNING and self._running is not None:
            self._put(key, state=DownloadState.PAUSING, bytes_per_second=None)
            self._puller.cancel(self._running[0])

    def resume(self, key: Key) -> None:
        """Go on with a download that rests or failed, when its turn comes."""
        download = self._downloads.get(key)
        if download is not None and download.state in _RESTING:
            self._put(key, state=DownloadState.WAITING, refusal=None, was_interrupted=False)

    def remove(self, key: Key, *, with_files: bool) -> None:
        """Want a model no more; what has come of it goes too where `with_files`."""
        download = self._downloads.get(key)
        if download is None or download.state is DownloadState.DISCARDING:
            return
        if self._running is not None and self._running[1] == key:
            if with_files:
                self._put(key, state=DownloadState.DISCARDING, bytes_per_second=None)
            else:
                self._forget(key)
            self._puller.cancel(self._running[0])
        elif with_files and download.state is not DownloadState.DONE:
            self._discard(key)
        else:
            self._forget(key)

    def shutdown(self) -> None:
        """Ask the worker to end, telling nobody; what is under way is kept as such."""
        self._is_closed = True
        self._puller.shutdown()

    def close(self) -> None:
        """End the worker at once; may be called again."""
        self._is_closed = True
        self._puller.close()

    # What happens next

    def _keep(self) -> None:
        """Keep the queue, begin what is next, and tell."""
        self._advance()
        self._file.write(self.all)
        self.changed.emit()

    def _advance(self) -> None:
        if self._running is not None or self._is_closed:
            return
        for key, download in self._downloads.items():
            if download.state is DownloadState.WAITING:
                self._rate = TransferRate()
                self._running = self._puller.pull(download.name, download.folder), key
                self._downloads[key] = replace(download, state=DownloadState.RUNNING, phase=PullPhase.LOOKING)
                return

    def _put(self, key: Key, **fields: Any) -> None:
        if key in self._downloads:
            self._downloads[key] = replace(self._downloads[key], **fields)
            self._keep()

    def _forget(self, key: Key) -> None:
        self._downloads.pop(key, None)
        self._keep()

    def _discard(self, key: Key) -> None:
        download = self._downloads[key]
        self._discarding[self._scout.discard(download.name, download.folder)] = key
        self._put(key, state=DownloadState.DISCARDING)

    def _ended(self, request: object) -> Key | None:
        """Return which download `request` was of, and take it for ended; None: of none that matters any more."""
        if self._running is None or not isinstance(request, Pull) or request.id != self._running[0]:
            return None
        key = self._running[1]
        self._running = None
        return key

    # What comes

    def _on_pulling(self, request: Pull, pulling: Pulling) -> None:
        if self._running is None or request.id != self._running[0]:
            return
        key = self._running[1]
        download = self._downloads.get(key)
        if download is None:
            return
        fields: dict[str, Any] = {"phase": pulling.phase}
        if pulling.phase in (PullPhase.DOWNLOADING, PullPhase.WAITING) and pulling.total_bytes:
            self._rate.note(self._clock(), pulling.done_bytes)
            fields.update(done_bytes=pulling.done_bytes, total_bytes=pulling.total_bytes)
        is_running = download.state is DownloadState.RUNNING and pulling.phase is PullPhase.DOWNLOADING
        fields["bytes_per_second"] = self._rate.bytes_per_second if is_running else None
        self._downloads[key] = replace(download, **fields)
        # Not kept on the disk: how far it is, the disk itself says.
        self.changed.emit()

    def _on_pulled(self, request: Pull, path: str) -> None:
        key = self._ended(request)
        if key is None:
            return
        if key not in self._downloads:
            self._keep()
            return
        done = self._downloads[key].total_bytes
        self._put(key, state=DownloadState.DONE, path=path, done_bytes=done, bytes_per_second=None)
        self.finished.emit(self._downloads[key])

    def _on_refused(self, request: Pull, report: ErrorReport) -> None:
        key = self._ended(request)
        if key is not None and not self._is_let_go(key):
            self._put(key, state=DownloadState.FAILED, refusal=report, bytes_per_second=None)
            self.failed.emit(self._downloads[key])

    def _on_cancelled(self, request: Pull) -> None:
        key = self._ended(request)
        if key is not None and not self._is_let_go(key):
            self._put(key, state=DownloadState.PAUSED, bytes_per_second=None)

    def _is_let_go(self, key: Key) -> bool:
        """Return whether what has ended was to be removed, or is wanted anew, and see to that."""
        download = self._downloads.get(key)
        match download.state if download is not None else None:
            case DownloadState.DISCARDING:
                self._discard(key)
            case DownloadState.WAITING | None:
                self._keep()
            case _:
                return False
        return True

    def _on_discarded(self, request: Discard) -> None:
        key = self._discarding.pop(request.id, None)
        if key is not None:
            self._forget(key)

    def _on_discard_refused(self, request: object, report: ErrorReport) -> None:
        key = self._discarding.pop(request.id, None) if isinstance(request, Discard) else None
        if key is not None:
            self._put(key, state=DownloadState.FAILED, refusal=report)
