"""The other side of the worker: starts its process, sends requests, reads events, tells when it died.

Thread rule: `events` is read by one thread at a time; `request` and `close` may be called from any.
"""

import contextlib
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Self

from offload.errors import WorkerDiedError
from offload.protocol import PROTOCOL_VERSION, Hello, Shutdown
from offload.protocol_lines import MAX_LINE_BYTES, Event, ProtocolError, Request, decode_event, encode
from offload.protocol_process import worker_command

WORKER_COMMAND = worker_command()
_KEPT_STDERR_LINES = 20
_GRACE_SECONDS = 10.0


class WorkerClient:
    """One worker process. A context manager; `close` asks it to end and kills it where it does not."""

    def __init__(
        self, command: Sequence[str] = WORKER_COMMAND, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = tuple(command)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr_lines: deque[str] = deque(maxlen=_KEPT_STDERR_LINES)
        self._stderr_reader: threading.Thread | None = None
        self._closing = False
        # Held across the write on purpose: requests of two threads must not be torn.
        self._input = threading.Lock()

    def start(self) -> Hello:
        """Start the process and return its hello.

        Raises:
            WorkerDiedError: it could not be started, ended, or speaks another version of the protocol.
        """
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                # An interrupt at the terminal is this side's to judge, not the worker's.
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise WorkerDiedError(
                f"The worker could not be started: {error}.", hint="Install offload again."
            ) from error
        assert self._process.stderr is not None
        self._stderr_reader = threading.Thread(
            target=self._keep_stderr, args=(self._process.stderr,), name="offload-worker-stderr", daemon=True
        )
        self._stderr_reader.start()
        hello = next(self.events(), None)
        if not isinstance(hello, Hello) or hello.protocol != PROTOCOL_VERSION:
            self.close()
            raise WorkerDiedError(
                f"The worker does not speak version {PROTOCOL_VERSION} of the protocol: it began with {hello}.",
                hint="Use the worker of the same release.",
            )
        return hello

    def request(self, request: Request) -> None:
        """Send `request`.

        Raises:
            WorkerDiedError: the worker is gone.
        """
        process = self._running()
        assert process.stdin is not None
        if isinstance(request, Shutdown):
            self._closing = True
        try:
            with self._input:
                process.stdin.write(encode(request))
                process.stdin.flush()
        except (OSError, ValueError):
            raise self._died(process) from None

    def events(self) -> Iterator[Event]:
        """Yield events as they come; ends when the worker has ended after `close` or a shutdown request.

        Raises:
            WorkerDiedError: the worker ended by itself, or said something that is no event.
        """
        process = self._running()
        assert process.stdout is not None
        while line := process.stdout.readline(MAX_LINE_BYTES + 1):
            try:
                yield decode_event(line.rstrip(b"\n"))
            except ProtocolError as error:
                process.kill()
                raise WorkerDiedError(
                    f"The worker said something that is no event: {error.message}", hint="Use one release of offload."
                ) from error
        if not self._closing:
            raise self._died(process)

    def close(self) -> None:
        """Ask the worker to end, wait, and kill it where it does not; may be called again."""
        process = self._process
        if process is None:
            return
        self._closing = True
        # What runs may hold the lock on a full pipe; the end of input below then says the same as the request.
        if self._input.acquire(timeout=_GRACE_SECONDS):
            try:
                with contextlib.suppress(OSError, ValueError):
                    assert process.stdin is not None
                    process.stdin.write(encode(Shutdown()))
                    process.stdin.close()
            finally:
                self._input.release()
        assert process.stdout is not None
        # Whatever is still unread must not keep the worker from writing its last.
        drain = threading.Thread(target=process.stdout.readlines, name="offload-worker-drain", daemon=True)
        drain.start()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        drain.join()
        if self._stderr_reader is not None:
            self._stderr_reader.join()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise WorkerDiedError("The worker is not running.", hint="Start it first.")
        return self._process

    def _died(self, process: subprocess.Popen[bytes]) -> WorkerDiedError:
        """Return the error of a worker that is gone: how it ended, and the last it said."""
        try:
            code = process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            # It closed its output and lives on: of no use to anybody.
            process.kill()
            code = process.wait()
        if self._stderr_reader is not None:
            self._stderr_reader.join(_GRACE_SECONDS)
        said = "\n".join(self._stderr_lines)
        return WorkerDiedError(
            f"The worker process ended without an answer ({_how_it_ended(code)})."
            + (f" It last said: {self._stderr_lines[-1]}" if self._stderr_lines else ""),
            hint="Load the model again; a smaller context or budget may help.",
            worker_exit_code=code,
            stderr=said,
        )

    def _keep_stderr(self, stderr: BinaryIO) -> None:
        for line in stderr:
            self._stderr_lines.append(line.decode("utf-8", "replace").rstrip())


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
