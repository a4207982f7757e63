"""A model hub on 127.0.0.1: the part of its HTTP protocol that huggingface-hub 1.0 to 2.x and this project use.

A repository answers at `/api/models/USER/REPO[/revision/REV]?blobs=true` and `/USER/REPO/resolve/REV/FILE`. Large files
are redirected to `/cdn/SHA256`, served by a second port as by another host, with a signature in the address. Faults are
put into `FakeHub.faults` and each is used up by one request it fits.

Source: hf_api.py, file_download.py and utils/_http.py of huggingface_hub.
"""

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from huggingface_hub import close_session

_PIECE_BYTES = 16 << 10


class Fault(Enum):
    """What goes wrong with one request."""

    CUT = "cut"
    """The connection ends after `amount` bytes of the body."""
    RESET = "reset"
    """As CUT, but the connection is reset."""
    CORRUPT = "corrupt"
    """The byte at `amount` of the body is another one."""
    STATUS = "status"
    """The answer has the status `amount`, with `headers`."""
    SHORT = "short"
    """The file seems `amount` bytes shorter, in all its headers."""
    LONG = "long"
    """The file seems `amount` bytes longer, and sends zeros for them."""
    NO_RANGES = "no ranges"
    """The whole file comes, with status 200, whatever range was asked for."""
    UNSIZED = "unsized"
    """As NO_RANGES, without a length, and `amount` zeros more or bytes fewer; the end of the connection is the end."""
    SHIFT = "shift"
    """What comes begins `amount` bytes after what was asked for, and says so."""
    COMPRESSED = "compressed"
    """The answer calls itself compressed."""
    HOLD = "hold"
    """After `amount` bytes of the body the server waits until `FakeHub.release` is set."""
    MUTE = "mute"
    """The server waits until `FakeHub.release` is set before it answers anything."""
    GIBBERISH = "gibberish"
    """The answer's body is no JSON."""
    ANSWER = "answer"
    """The answer's body is `answer`, as JSON."""


class PlannedFault(NamedTuple):
    """A fault, and the requests it fits: those whose path holds `where`."""

    fault: Fault
    amount: int = 0
    where: str = "/cdn/"
    headers: tuple[tuple[str, str], ...] = ()
    answer: object = None


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    user_agent: str
    accept_encoding: str | None


@dataclass
class FakeRepository:
    """A repository: its commits, newest last, each with all files by path."""

    commits: list[dict[str, bytes]]
    gated: bool = False
    private: bool = False
    small: set[str] = field(default_factory=set)
    """Files that are not stored as large files: without a SHA-256, served by the hub itself."""
    tags: dict[str, int] = field(default_factory=dict)

    def commit_name(self, index: int) -> str:
        listing = sorted((path, hashlib.sha1(data).hexdigest()) for path, data in self.commits[index].items())
        return hashlib.sha1(repr((index, listing)).encode()).hexdigest()

    def find(self, revision: str) -> int | None:
        """Return the index of the commit that `revision` means."""
        if revision == "main":
            return len(self.commits) - 1
        names = {self.commit_name(index): index for index in range(len(self.commits))}
        return self.tags.get(revision, names.get(revision))


@lru_cache(maxsize=64)
def sha256_of(data: bytes) -> str:
    """Return the checksum of a file, which every request needs, computed once."""
    return hashlib.sha256(data).hexdigest()


class FakeHub:
    """The hub: its repositories, what it was asked, and what shall go wrong."""

    def __init__(self, url: str, cdn_url: str) -> None:
        self.url = url
        self.cdn_url = cdn_url
        self.repositories: dict[str, FakeRepository] = {}
        self.faults: list[PlannedFault] = []
        self.asked: list[Asked] = []
        self.token = "hf_secret"
        self.served_bytes = 0
        """Handed to the system for sending, of bodies of files."""
        self.release = threading.Event()
        self.holding = threading.Event()
        """Set while a request is held."""
        self._lock = threading.Lock()

    def add(self, repo: str, files: dict[str, bytes], **options: Any) -> FakeRepository:
        """Make a repository, or give it a further commit."""
        if repo in self.repositories:
            self.repositories[repo].commits.append(files)
        else:
            self.repositories[repo] = FakeRepository([files], **options)
        return self.repositories[repo]

    def ranges(self) -> list[str | None]:
        """Return the ranges that were asked for of files on the CDN."""
        return [asked.range for asked in self.asked if asked.path.startswith("/cdn/")]

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def count(self, n_bytes: int) -> None:
        with self._lock:
            self.served_bytes += n_bytes

    def take_fault(self, path: str) -> PlannedFault | None:
        with self._lock:
            for planned in self.faults:
                if planned.where in path:
                    self.faults.remove(planned)
                    return planned
        return None

    def blob(self, sha256: str) -> bytes | None:
        for repository in self.repositories.values():
            for files in repository.commits:
                for data in files.values():
                    if sha256_of(data) == sha256:
                        return data
        return None


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        headers = self.headers
        self.hub.note(
            Asked(
                self.command,
                path,
                headers["Range"],
                headers["Authorization"],
                headers["User-Agent"] or "",
                headers["Accept-Encoding"],
            )
        )
        fault = self.hub.take_fault(path)
        with suppress(BrokenPipeError, ConnectionResetError):
            if fault is not None and fault.fault is Fault.MUTE:
                self._hold()
            if fault is not None and fault.fault is Fault.STATUS:
                self._fail(fault.amount, *fault.headers)
            elif path.startswith("/api/models/"):
                self._api(path, "blobs" in parse_qs(parts.query), fault)
            elif path.startswith("/cdn/"):
                self._cdn(path, "signature" in parts.query, fault)
            elif "/resolve/" in path:
                self._resolve(path, fault)
            else:
                self._fail(404)

    def _api(self, path: str, blobs: bool, fault: PlannedFault | None) -> None:
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path)
        found = self._find(match[1], match[2] or "main") if match else None
        if match is None or found is None:
            return
        repository, index = found
        siblings = []
        for name, data in repository.commits[index].items():
            entry: dict[str, object] = {"rfilename": name}
            if blobs:
                entry |= {"size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
            if blobs and name not in repository.small:
                entry["lfs"] = {"sha256": sha256_of(data), "size": len(data), "pointerSize": 130}
            siblings.append(entry)
        answer: object = {
            "id": match[1],
            "modelId": match[1],
            "sha": repository.commit_name(index),
            "siblings": siblings,
        }
        if fault is not None and fault.fault is Fault.ANSWER:
            answer = fault.answer
        body = b"<html>" if fault is not None and fault.fault is Fault.GIBBERISH else json.dumps(answer).encode()
        self._head(200, ("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        self.wfile.write(body)

    def _resolve(self, path: str, fault: PlannedFault | None) -> None:
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        found = self._find(match[1], match[2]) if match else None
        if match is None or found is None:
            return
        repository, index = found
        if repository.gated and not self._is_known():
            self._fail(401, ("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Access is restricted."))
            return
        data = repository.commits[index].get(match[3])
        if data is None:
            self._fail(404, ("X-Error-Code", "EntryNotFound"))
            return
        commit = ("X-Repo-Commit", repository.commit_name(index))
        if match[3] in repository.small:
            self._send(data, fault, commit, ("ETag", f'"{hashlib.sha1(data).hexdigest()}"'))
            return
        sha256 = sha256_of(data)
        self._head(
            302,
            commit,
            ("X-Linked-Size", str(len(data))),
            ("X-Linked-ETag", f'"{sha256}"'),
            ("Location", f"{self.hub.cdn_url}/cdn/{sha256}?signature={quote('a/b=')}"),
            ("Content-Length", "0"),
        )

    def _cdn(self, path: str, signed: bool, fault: PlannedFault | None) -> None:
        data = self.hub.blob(path.removeprefix("/cdn/"))
        if data is None or not signed:
            self._fail(403)
            return
        # The ETag of a CDN is its own, not the hub's.
        self._send(data, fault, ("ETag", f'"{hashlib.md5(data).hexdigest()}-4"'), ("Accept-Ranges", "bytes"))

    def _find(self, repo: str, revision: str) -> tuple[FakeRepository, int] | None:
        repository = self.hub.repositories.get(repo)
        if repository is None or (repository.private and not self._is_known()):
            self._fail(401, ("X-Error-Code", "RepoNotFound"), ("X-Error-Message", "Repository not found"))
            return None
        index = repository.find(revision)
        if index is None:
            self._fail(404, ("X-Error-Code", "RevisionNotFound"), ("X-Error-Message", f"Invalid rev id: {revision}"))
            return None
        return repository, index

    def _is_known(self) -> bool:
        return self.headers["Authorization"] == f"Bearer {self.hub.token}"

    def _send(self, data: bytes, fault: PlannedFault | None, *headers: tuple[str, str]) -> None:
        """Send `data`, or the range of it that is asked for, with what goes wrong."""
        kind = fault.fault if fault else None
        amount = fault.amount if fault else 0
        if kind is Fault.SHORT:
            data = data[:-amount]
        elif kind is Fault.LONG:
            data += bytes(amount)
        start, end, status = 0, len(data), 200
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        if match and kind not in (Fault.NO_RANGES, Fault.UNSIZED):
            start, end, status = int(match[1]), min(int(match[2] or len(data) - 1) + 1, len(data)), 206
            start += amount if kind is Fault.SHIFT else 0
            if start >= len(data):
                self._fail(416, ("Content-Range", f"bytes */{len(data)}"))
                return
            headers += (("Content-Range", f"bytes {start}-{end - 1}/{len(data)}"),)
        if kind is Fault.COMPRESSED:
            headers += (("Content-Encoding", "gzip"),)
        if kind is Fault.UNSIZED:
            self.close_connection = True
            self._head(status, *headers, ("Connection", "close"))
            self._pieces(data[:amount] if amount < 0 else data + bytes(amount))
            return
        self._head(status, *headers, ("Content-Length", str(end - start)))
        if self.command == "HEAD":
            return
        body = bytearray(data[start:end])
        if kind is Fault.CORRUPT:
            body[amount] ^= 1
        self._send_body(bytes(body), kind, amount)

    def _send_body(self, body: bytes, kind: Fault | None, amount: int) -> None:
        stop = amount if kind in (Fault.CUT, Fault.RESET, Fault.HOLD) else len(body)
        self._pieces(body[:stop])
        if kind is Fault.HOLD:
            self._hold()
            self._pieces(body[stop:])
        elif kind in (Fault.CUT, Fault.RESET):
            self.close_connection = True
            if kind is Fault.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    def _hold(self) -> None:
        self.hub.holding.set()
        self.hub.release.wait(60)

    def _pieces(self, body: bytes) -> None:
        for begin in range(0, len(body), _PIECE_BYTES):
            piece = body[begin : begin + _PIECE_BYTES]
            # Before it is sent: who has read it may look at the count at once.
            self.hub.count(len(piece))
            self.wfile.write(piece)

    def _fail(self, status: int, *headers: tuple[str, str]) -> None:
        self._head(status, *headers, ("Content-Length", "0"))

    def _head(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """Run a hub and its CDN until left."""

    class Handler(_Handler):
        pass

    servers = [_Server(("127.0.0.1", 0), Handler), _Server(("127.0.0.1", 0), Handler)]
    # Another name as well as another port: what belongs to the hub must not reach the CDN.
    hub = FakeHub(*(f"http://127.0.0.1:{server.server_address[1]}" for server in servers))
    Handler.hub = hub
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        # The connections it keeps open would outlive the server.
        close_session()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
