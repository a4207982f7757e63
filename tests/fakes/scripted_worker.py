"""A scripted worker: a process that speaks the protocol as a list of steps tells it, for tests of who talks to one.

    client = EngineClient(worker(hello(), *loads(), expect("generate"), tokens("one ", "two "), die(signal.SIGKILL)))

Steps are done in order, by `scripted_actor`; what is said of models that are not open is in `scripted_models`. A script
that is over waits for the end of its input. "$id" in what is said stands for the id of the request that was expected
last. While a request is expected, polls of statistics are answered, and other requests are passed over; a shutdown, or
the end of input, ends the process with code 0 wherever it is awaited.
"""

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Step: TypeAlias = Mapping[str, Any]

_TESTS = Path(__file__).parent.parent
_PROGRAM = f"import sys; sys.path.insert(0, {str(_TESTS)!r}); from fakes.scripted_actor import main; main()"


def worker(*steps: Step | Sequence[Step]) -> tuple[str, ...]:
    """Return the command of a worker that does `steps`."""
    flat: list[Step] = []
    for step in steps:
        flat.extend([step] if isinstance(step, Mapping) else step)
    return (sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(flat))


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
