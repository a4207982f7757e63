"""`DownloadFile`: the queue of downloads on disk, so that it is there after any end of the program.

What it does not hold is not lost: what has come lies in the folder of models, and is gone on from when it is wanted.

Invariants, each proved by the test named (tests/app/library/test_download_file.py):
 1. Reading raises nothing, whatever lies there.              test_whatever_lies_there_is_read
 2. The file is at any time the old or the new one, whole.    test_a_write_that_fails_leaves_the_old_queue
 3. What is wrong in it is left out alone.                    test_what_is_wrong_is_left_out_alone

Thread rule: one thread. A read or a write is a few kilobytes.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from offload_app.library.download import Download, DownloadState
from offload_app.model_choices import is_keepable

MOST_KEPT = 200
_MOST_BYTES = 1 << 20
_LONGEST = 4096


class DownloadFile:
    """Reads and writes downloads in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Download, ...]:
        """Return what was under way, all of it resting; nothing where nothing can be read."""
        try:
            with self._path.open("rb") as file:
                fields = json.loads(file.read(_MOST_BYTES).decode("utf-8"))
            entries = fields["downloads"]
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return ()
        found: dict[tuple[str, str], Download] = {}
        for entry in entries if isinstance(entries, list) else ():
            download = _from_json(entry)
            if download is not None:
                found.setdefault(download.key, download)
        return tuple(found.values())[:MOST_KEPT]

    def write(self, downloads: Sequence[Download]) -> bool:
        """Keep what is not done of `downloads`; return whether it could be kept."""
        kept = [_to_json(download) for download in downloads if download.state is not DownloadState.DONE]
        written = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written.open("w", encoding="utf-8", errors="replace") as file:
                json.dump({"downloads": kept}, file, ensure_ascii=False, indent=1)
            os.replace(written, self._path)
        except OSError:
            return False
        return True


def _to_json(download: Download) -> dict[str, object]:
    return {
        "name": download.name,
        "folder": download.folder,
        "title": download.title,
        "done_bytes": download.done_bytes,
        "total_bytes": download.total_bytes,
        # What rests because somebody wanted that says nothing of an end of the program.
        "is_under_way": download.is_under_way,
    }


def _from_json(entry: object) -> Download | None:
    if not isinstance(entry, dict):
        return None
    texts = [entry.get(name) for name in ("name", "folder", "title")]
    counts = [entry.get(name, 0) for name in ("done_bytes", "total_bytes")]
    if not all(isinstance(text, str) and text and len(text) <= _LONGEST and is_keepable(text) for text in texts):
        return None
    if not all(type(count) is int and 0 <= count < 2**63 for count in counts):
        return None
    name, folder, title = (str(text) for text in texts)
    done, total = counts
    was_interrupted = entry.get("is_under_way") is True
    return Download(name, folder, title, DownloadState.PAUSED, min(done, total), total, was_interrupted=was_interrupted)
