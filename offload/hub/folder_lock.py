"""`FolderLock`: one process at a time downloads into a folder.

The system holds the lock and lets go of it when the process ends, however it ends: a lock is never stale. The file
says which process holds it, for the sentence the next one prints.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from offload.errors import OffloadError

# Windows keeps others from reading locked bytes too, so those locked lie behind what the file says.
_LOCKED_AT = 1 << 20


class FolderLock:
    """Holds `folder`/lock while it is entered. For one thread."""

    def __init__(self, folder: Path) -> None:
        """Take the lock of `folder`, which is made where it is missing.

        Raises:
            OffloadError: another process holds it; says which.
            OSError: the folder cannot be written to.
        """
        self._path = folder / "lock"
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            if not _locked(self._descriptor):
                holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
                os.close(self._descriptor)
                raise OffloadError(
                    f"Another process{f' ({holder})' if holder else ''} is downloading into {folder.parent}.",
                    hint="Wait until it is done, or stop it: what has come is kept.",
                    folder=str(folder.parent),
                )
            # The holder before may have removed the file between the two calls.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                    break
            os.close(self._descriptor)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode("ascii"))

    def close(self) -> None:
        """Let go; again is harmless."""
        if self._descriptor < 0:
            return
        if sys.platform != "win32":
            # Removed while it is held, so that nobody takes a file that is about to go.
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1
        if sys.platform == "win32":
            with suppress(OSError):
                self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _locked(descriptor: int) -> bool:
    """Lock the file for this process unless another holds it; return whether it is ours."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        return False
    return True
