"""The actor: does the steps of a scripted worker, as the process that is talked to.

It needs nothing but the standard library, and the modules of the script, so that it starts in a few hundredths of a
second.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fakes.scripted_models import (
    GIB,
    GPU,
    catalogued,
    devices_listed,
    discarded,
    fitted,
    found,
    inspected,
    packed,
    packing,
    planned,
    points_with_speeds,
    pulled,
    pulling,
)
from fakes.scripted_worker import Step, expect, failed


def _path_of(request: Mapping[str, Any]) -> Path:
    """Return where the model of a fit or pull will lie."""
    repo, _, quant = request["name"].partition(":")
    return Path(request["models_folder"], repo, f"{repo.rpartition('/')[2]}-{quant or 'Q4_K_M'}.gguf")


class Actor:
    """Does the steps: reads requests from file descriptor 0, says events on 1."""

    def __init__(self) -> None:
        self._requests = self._read_requests()
        self._pending = b""
        self._id = 0

    def do(self, step: Step) -> None:
        match step["do"]:
            case "say":
                self._write(self._line(step["event"]) * step["times"])
            case "raw":
                self._write(step["data"].encode("latin-1") * step["times"])
            case "complain":
                os.write(2, step["text"].encode() * step["times"])
            case "expect":
                self._expect(step["request"], step["is_next"])
            case "tokens":
                self._write(b"".join(self._token(i, text) for i, text in enumerate(step["texts"])))
            case "tokens_until_stop":
                self._say_until_stop(step["text"], step["pause"])
            case "serve":
                self._serve(step)
            case "die_once":
                marker = step["marker"]
                if not os.path.exists(marker):
                    with open(marker, "w", encoding="utf-8"):
                        os.kill(os.getpid(), step["signal"])
            case "die":
                os.kill(os.getpid(), step["signal"])
                signal.pause()
            case "leave":
                os._exit(step["code"])
            case "hang":
                while True:
                    time.sleep(3600)
            case "pause":
                time.sleep(step["seconds"])

    def _expect(self, kind: str, is_next: bool = False) -> None:
        for request in self._requests:
            if request["type"] == "stats":
                self._answer_poll(request["id"])
            if request["type"] == kind:
                self._id = request.get("id", self._id)
                return
            if request["type"] == "shutdown":
                break
            if is_next:
                os._exit(66)
        os._exit(0)

    def _serve(self, step: Step) -> None:
        for request in self._requests:
            self._id = request.get("id", self._id)
            model = request.get("model") or request.get("name") or "/data/demo.gguf"
            name = model.rpartition("/")[2]
            if request["type"] == "shutdown":
                break
            if name in step["dies_of"]:
                os.kill(os.getpid(), signal.SIGSEGV)
                signal.pause()
            if name in step["refuses"]:
                self.do(failed("ModelFileError", f"{name} is cut off.", "Get it again."))
            elif request["type"] == "inspect":
                self.do(inspected(**{"path": model, **step["fields"]}))
            elif request["type"] == "plan":
                self._plan(request, step["speed"])
            elif request["type"] == "catalog":
                self.do(catalogued())
            elif request["type"] == "devices":
                self.do(devices_listed(GPU))
            elif request["type"] == "find":
                self.do(found(model))
            elif request["type"] == "fit":
                self._fit(request, step["fits"], step["speed"])
            elif request["type"] == "pull":
                self._pull(request, step["pulls"])
            elif request["type"] == "discard":
                self.do(discarded())
            elif request["type"] == "pack":
                self._pack(step["packs"])
        os._exit(0)

    def _plan(self, request: Mapping[str, Any], speed: float) -> None:
        fields: dict[str, Any] = {"n_ctx": request["config"]["n_ctx"] or 4096}
        if request["with_speed"]:
            if not speed:
                self.do(failed("OffloadError", "Nothing was predicted."))
                return
            fields["points"] = points_with_speeds(speed)
        self.do(planned(**fields))

    def _fit(self, request: Mapping[str, Any], how: str, speed: float) -> None:
        if how == "until stopped":
            self._expect("stop")
            self.do(failed("CancelledError", "Stopped: nothing was planned."))
        elif how == "refused":
            self.do(failed("HubError", "Little-GGUF-Q4_K_M.gguf is gated.", "Accept its terms."))
        else:
            n_ctx = request["config"]["n_ctx"] or 4096
            self.do(fitted({"path": str(_path_of(request))}, n_ctx=n_ctx, points=points_with_speeds(speed)))

    def _pull(self, request: Mapping[str, Any], how: str) -> None:
        self.do(pulling(0, 0, "looking"))
        self.do(pulling(GIB))
        if how == "until stopped":
            self._expect("stop")
            self.do(failed("CancelledError", "Stopped: 1.0 GB of 4.0 GB are kept."))
        elif how == "until the disk is full":
            self.do(failed("DiskFullError", "The disk is full.", "Make room."))
        else:
            path = _path_of(request)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
            self.do(pulled(str(path)))

    def _pack(self, how: str) -> None:
        self.do(packing(0.25))
        if how == "at once":
            self.do(packed())
        elif how == "until stopped":
            self._expect("stop")
            self.do(failed("CancelledError", "Packing was stopped."))
        else:
            self.do(failed("DiskFullError", "The disk is full.", "Make room."))

    def _answer_poll(self, request_id: int) -> None:
        event = {"type": "stats", "id": request_id, "loaded": True, "stats": {}, "residency": ["0123"]}
        self._write(json.dumps(event).encode() + b"\n")

    def _say_until_stop(self, text: str, pause_seconds: float) -> None:
        os.set_blocking(0, False)
        index = 0
        while not self._has_stop():
            self._write(self._token(index, text))
            index += 1
            time.sleep(pause_seconds)
        os.set_blocking(0, True)

    def _has_stop(self) -> bool:
        try:
            chunk = os.read(0, 65536)
            if not chunk:
                os._exit(0)
        except BlockingIOError:
            # What came together with the last request may be waiting here.
            chunk = b""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for request in map(json.loads, lines):
            if request["type"] == "stats":
                self._answer_poll(request["id"])
            if request["type"] == "shutdown":
                os._exit(0)
            if request["type"] == "stop" and request["id"] == self._id:
                return True
        return False

    def _read_requests(self) -> Iterable[Mapping[str, Any]]:
        while True:
            while b"\n" in self._pending:
                line, _, self._pending = self._pending.partition(b"\n")
                yield json.loads(line)
            chunk = os.read(0, 65536)
            if not chunk:
                return
            self._pending += chunk

    def _token(self, index: int, text: str) -> bytes:
        return self._line({"type": "token", "id": "$id", "token": 7, "text": text, "index": index})

    def _line(self, event: Mapping[str, Any]) -> bytes:
        real = {name: self._id if value == "$id" else value for name, value in event.items()}
        return json.dumps(real).encode() + b"\n"

    @staticmethod
    def _write(data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(1, left) :]


def main() -> None:
    """Do the steps of the first argument, then wait for the end of input."""
    actor = Actor()
    for step in json.loads(sys.argv[1]):
        actor.do(step)
    actor.do(expect("shutdown"))
