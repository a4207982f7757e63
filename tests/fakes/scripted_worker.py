"""A scripted worker: a process that speaks the protocol as a list of steps tells it, for tests of who talks to one.

    client = EngineClient(worker(hello(), *loads(), expect("generate"), tokens("one ", "two "), die(signal.SIGKILL)))

Started as a program it needs nothing but the standard library, so that it starts in a few hundredths of a second.
Steps are done in order; a script that is over waits for the end of its input. "$id" in what is said stands for the id
of the request that was expected last. While a request is expected, polls of statistics are answered, and other
requests are passed over; a shutdown, or the end of input, ends the process with code 0 wherever it is awaited.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Step: TypeAlias = Mapping[str, Any]


def worker(*steps: Step | Sequence[Step]) -> tuple[str, ...]:
    """Return the command of a worker that does `steps`."""
    flat: list[Step] = []
    for step in steps:
        flat.extend([step] if isinstance(step, Mapping) else step)
    return (sys.executable, "-I", "-S", str(Path(__file__)), json.dumps(flat))


def hello(protocol: int = 1) -> Step:
    """Say hello."""
    return say({"type": "hello", "protocol": protocol, "version": "scripted"})


def say(event: Mapping[str, Any], times: int = 1) -> Step:
    """Say an event, so many times over."""
    return {"do": "say", "event": event, "times": times}


def raw(data: bytes, times: int = 1) -> Step:
    """Write bytes as they are, so many times over."""
    return {"do": "raw", "data": data.decode("latin-1"), "times": times}


def complain(text: str, times: int = 1) -> Step:
    """Write text to standard error, so many times over."""
    return {"do": "complain", "text": text, "times": times}


def expect(request: str) -> Step:
    """Wait for a request of that type; its id becomes "$id"."""
    return {"do": "expect", "request": request, "is_next": False}


def expect_next(request: str) -> Step:
    """Take the next request, whose id becomes "$id"; end with code 66 where it is of another type."""
    return {"do": "expect", "request": request, "is_next": True}


def tokens(*texts: str) -> Step:
    """Say a token of request "$id" for each text."""
    return {"do": "tokens", "texts": texts}


def tokens_until_stop(text: str, *, pause_seconds: float = 0.002) -> Step:
    """Say a token with `text` again and again until a stop of request "$id" comes."""
    return {"do": "tokens_until_stop", "text": text, "pause": pause_seconds}


def done(finish_reason: str = "stop") -> Step:
    """Say that generation "$id" is done."""
    return say({"type": "done", "id": "$id", "finish_reason": finish_reason, "stats": {}})


def failed(kind: str = "BudgetError", message: str = "Too little.", hint: str = "") -> Step:
    """Answer request "$id" by an error."""
    error = {"type": kind, "message": message, "hint": hint, "numbers": {}}
    return say({"type": "error", "id": "$id", "error": error})


def loaded(model: str = "/models/m.gguf") -> Step:
    """Say that load "$id" has succeeded."""
    return say(
        {
            "type": "loaded",
            "id": "$id",
            "model": model,
            "description": "a scripted model",
            "n_ctx": 4096,
            "store": "gguf",
            "has_chat_template": True,
            "plan": {},
            "plan_lines": [],
        }
    )


def loads(model: str = "/models/m.gguf") -> tuple[Step, ...]:
    """Wait for a load and let it succeed."""
    return expect("load"), say({"type": "loading", "id": "$id", "fraction": 0.5}), loaded(model)


def answers(*texts: str) -> tuple[Step, ...]:
    """Wait for a generation and answer it."""
    return expect("generate"), tokens(*texts), done()


def inspected(**fields: Any) -> Step:
    """Say what the file of inspection "$id" is: a small model, but for `fields`."""
    return say({"type": "inspected", "id": "$id", "model": {**MODEL, **fields}})


def planned(**fields: Any) -> Step:
    """Say the plans of request "$id": three points from 1 to 9 GiB, but for `fields`."""
    return say({"type": "planned", "id": "$id", "model": "/models/m.gguf", "outline": {**OUTLINE, **fields}})


def packing(fraction: float) -> Step:
    """Say how much of pack "$id" is done."""
    return say({"type": "packing", "id": "$id", "fraction": fraction})


def packed(path: str = "/models/m.offload") -> Step:
    """Say that pack "$id" is done."""
    return say({"type": "packed", "id": "$id", "path": path, "n_bytes": 6 << 30})


def pulling(done_bytes: int, total_bytes: int = 4 << 30, phase: str = "downloading") -> Step:
    """Say how far pull "$id" is."""
    return say({"type": "pulling", "id": "$id", "phase": phase, "done_bytes": done_bytes, "total_bytes": total_bytes})


def pulled(path: str = "/models/u/r/m.gguf") -> Step:
    """Say that pull "$id" is done."""
    return say({"type": "pulled", "id": "$id", "path": path})


def discarded(freed_bytes: int = 1 << 30) -> Step:
    """Say that discard "$id" is done."""
    return say({"type": "discarded", "id": "$id", "freed_bytes": freed_bytes})


def found(name: str, **fields: Any) -> Step:
    """Say what the hub has for find "$id": a model of 4 GiB, but for `fields`."""
    return say({"type": "found", "id": "$id", "model": {**OFFER, "name": name, "repo": name, **fields}})


def fitted(summary: Mapping[str, Any] | None = None, **fields: Any) -> Step:
    """Say how the model of fit "$id" will run: the plans of `planned`, but for `fields`, and the small model."""
    model, outline = {**MODEL, **(summary or {})}, {**OUTLINE, **fields}
    return say({"type": "fitted", "id": "$id", "model": model, "outline": outline})


def catalogued(*entries: Mapping[str, Any]) -> Step:
    """Say the catalogue: `entries`, else three models."""
    return say({"type": "catalog", "id": "$id", "entries": list(entries or CATALOG)})


def devices_listed(*devices: Mapping[str, Any]) -> Step:
    """Say which devices there are for request "$id"."""
    return say({"type": "devices", "id": "$id", "devices": list(devices)})


def serves_models(
    *,
    refuses: Sequence[str] = (),
    dies_of: Sequence[str] = (),
    packs: str = "at once",
    pulls: str = "at once",
    fits: str = "at once",
    speed: float = 0.0,
    **fields: Any,
) -> Step:
    """Answer all that is asked about models until the end: each is the one of its path, but for `fields`.

    Files and names in `refuses` are refused, those in `dies_of` kill the process. `packs` and `pulls`: "at once",
    "until stopped" or "until the disk is full"; a pull at once puts a file there. `fits`: "at once", "until stopped" or
    "refused". `speed`: tokens a second that are
    predicted at the first budget; 0: the prediction is refused.
    """
    how = {"packs": packs, "pulls": pulls, "fits": fits, "speed": speed}
    return {"do": "serve", "refuses": refuses, "dies_of": dies_of, "fields": fields, **how}


def die_once(marker: Path, number: signal.Signals) -> Step:
    """Be ended by a signal, but not again where `marker` is there already."""
    return {"do": "die_once", "marker": str(marker), "signal": int(number)}


def die(number: signal.Signals) -> Step:
    """Be ended by a signal."""
    return {"do": "die", "signal": int(number)}


def leave(code: int) -> Step:
    """End with an exit code."""
    return {"do": "leave", "code": code}


def hang() -> Step:
    """Neither say nor hear anything any more."""
    return {"do": "hang"}


def pause(seconds: float) -> Step:
    """Do nothing for a while."""
    return {"do": "pause", "seconds": seconds}


GIB = 1 << 30
MODEL: Mapping[str, Any] = {
    "path": "/models/m.gguf",
    "name": "scripted",
    "architecture": "qwen3moe",
    "quantization": "Q4_K_M",
    "n_files": 1,
    "file_bytes": 8 * GIB,
    "expert_bytes": 6 * GIB,
    "n_params": 14_900_000_000,
    "n_layer": 24,
    "n_expert": 128,
    "n_expert_used": 8,
    "context_length": 32768,
    "pack_state": "none",
    "packed_bytes": 0,
}


_ENDS = {"low_": 0.8, "": 1.0, "high_": 1.25}


def _point(budget_bytes: int, resident_share: float) -> Mapping[str, Any]:
    rest = {"dense_bytes": GIB // 4, "kv_bytes": GIB // 8, "compute_bytes": GIB // 8, "reading_bytes": 1 << 20}
    others = {"runtime_bytes": GIB // 4, "staging_bytes": 1 << 20, **rest}
    slots = budget_bytes - sum(others.values())
    return {"budget_bytes": budget_bytes, **others, "slot_bytes": slots, "resident_share": resident_share}


OUTLINE: Mapping[str, Any] = {
    "n_ctx": 4096,
    "n_ubatch": 512,
    "floor_bytes": GIB,
    "whole_bytes": 9 * GIB,
    "budget_bytes": 6 * GIB,
    "total_memory_bytes": 16 * GIB,
    "available_memory_bytes": 8 * GIB,
    "points": [_point(GIB, 0.0625), _point(5 * GIB, 0.5), _point(9 * GIB, 1.0)],
}


OFFER: Mapping[str, Any] = {
    "name": "u/r:Q4_K_M",
    "repo": "u/r",
    "revision": "0123456789012345678901234567890123456789",
    "n_files": 1,
    "n_bytes": 4 * GIB,
    "there_bytes": 0,
    "free_bytes": 100 * GIB,
    "path": "/models/u/r/r-Q4_K_M.gguf",
    "is_there": False,
}


GPU: Mapping[str, Any] = {
    "name": "CUDA0",
    "description": "A scripted GPU",
    "total_bytes": 8 * GIB,
    "free_bytes": 7 * GIB,
}


def _entry(title: str, name: str, size_bytes: int, licence: str, n_expert: int) -> Mapping[str, Any]:
    return {
        "title": title,
        "name": name,
        "size_bytes": size_bytes,
        "licence": licence,
        "architecture": "qwen3moe",
        "n_expert": n_expert,
        "n_expert_used": 8,
        "total_params": 7 * size_bytes // 4,
        "active_params": size_bytes // 5,
        "is_exact": True,
        "source": "The repository's file list.",
    }


CATALOG: Sequence[Mapping[str, Any]] = (
    _entry("Little MoE", "some/Little-GGUF:Q4_K_M", 4 * GIB, "Apache-2.0", 64),
    _entry("Middle MoE", "other/Middle-GGUF:Q4_K_M", 18 * GIB, "MIT", 128),
    _entry("Great MoE", "other/Great-GGUF:Q4_K_M", 200 * GIB, "Community Licence", 256),
)


def _with_speeds(speed: float) -> Sequence[Mapping[str, Any]]:
    """Return the points of the outline, `speed` the prediction of the first, and so much more for each further one."""
    return [
        {**point, **{f"{end}tokens_per_second": speed * (place + 1) * share for end, share in _ENDS.items()}}
        for place, point in enumerate(OUTLINE["points"])
    ]


def _path_of(request: Mapping[str, Any]) -> Path:
    """Return where the model of a fit or pull will lie."""
    repo, _, quant = request["name"].partition(":")
    return Path(request["models_folder"], repo, f"{repo.rpartition('/')[2]}-{quant or 'Q4_K_M'}.gguf")


class _Actor:
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
            fields["points"] = _with_speeds(speed)
        self.do(planned(**fields))

    def _fit(self, request: Mapping[str, Any], how: str, speed: float) -> None:
        if how == "until stopped":
            self._expect("stop")
            self.do(failed("CancelledError", "Stopped: nothing was planned."))
        elif how == "refused":
            self.do(failed("HubError", "Little-GGUF-Q4_K_M.gguf is gated.", "Accept its terms."))
        else:
            n_ctx = request["config"]["n_ctx"] or 4096
            self.do(fitted({"path": str(_path_of(request))}, n_ctx=n_ctx, points=_with_speeds(speed)))

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
    actor = _Actor()
    for step in json.loads(sys.argv[1]):
        actor.do(step)
    actor.do(expect("shutdown"))


if __name__ == "__main__":
    main()
