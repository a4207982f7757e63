"""`SingleInstance`: one application for each user; a second start asks the first to come forward.

    ─claim─▶ FIRST ─close─▶ (free)         it holds the lock and listens
        └──▶ HANDED_OVER, NO_ANSWER        another one holds the lock: it was told, or does not answer

A lock file decides who is the first: the system frees it with the process, however that ended. The socket only carries
what the second says, so that one left over by a crash is simply replaced.

Invariants, each proved by the test named (tests/app/test_single_instance.py):
 1. Of two, one is the first, and it is asked to come forward.   test_a_second_start_raises_the_first
 2. What a crash left over keeps nobody from being the first.    test_what_a_crash_left_over_is_replaced
 3. Where no lock can be made the application starts all the same. test_without_a_place_for_a_lock_it_starts

Thread rule: the thread of Qt's event loop only. `claim` waits at most PATIENCE_MS for another one's answer.
"""

import hashlib
from contextlib import suppress
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

PATIENCE_MS = 2000
_MOST_BYTES = 64 * 1024


class Claim(Enum):
    """What became of the wish to be the one."""

    FIRST = "first"
    HANDED_OVER = "handed_over"
    """Another one runs, and was told."""
    NO_ANSWER = "no_answer"
    """Another one runs, and does not answer."""


class SingleInstance(QObject):
    """The place of the one application whose lock lies in `folder`."""

    raised = Signal(str)
    """Another start asks to come forward, with a file to open; empty: with none."""

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._name = f"offload-{hashlib.sha256(str(folder).encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
        self._lock: QLockFile | None = None
        self._server: QLocalServer | None = None

    def claim(self, file: str = "") -> Claim:
        """Become the first, or hand `file` over to the one that is."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
        lock = QLockFile(str(self._folder / "app.lock"))
        # Never too old: an application may run for weeks. One whose process is gone is taken all the same.
        lock.setStaleLockTime(0)
        if lock.tryLock(0):
            self._lock = lock
            self._listen()
            return Claim.FIRST
        if lock.error() is not QLockFile.LockError.LockFailedError:
            return Claim.FIRST
        return Claim.HANDED_OVER if self._tell(file) else Claim.NO_ANSWER

    def close(self) -> None:
        """Free the place; may be called again."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def _listen(self) -> None:
        # The lock is ours: a socket of this name belongs to nobody who lives.
        QLocalServer.removeServer(self._name)
        server = QLocalServer(self)
        server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        server.newConnection.connect(self._on_connection)
        server.listen(self._name)
        self._server = server

    def _on_connection(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._on_words(socket))
            socket.disconnected.connect(socket.deleteLater)
            if socket.bytesAvailable():
                self._on_words(socket)

    def _on_words(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _MOST_BYTES:
                socket.abort()
            return
        line = bytes(socket.readLine(_MOST_BYTES).data())
        socket.write(b"ok\n")
        socket.flush()
        self.raised.emit(line.decode("utf-8", "replace").rstrip("\n"))

    def _tell(self, file: str) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(PATIENCE_MS):
            return False
        socket.write(file.replace("\n", "").encode("utf-8", "replace") + b"\n")
        socket.flush()
        heard = socket.waitForReadyRead(PATIENCE_MS) and bytes(socket.readAll().data()).startswith(b"ok")
        socket.abort()
        return heard
