"""How `offload generate` hands over an answer: as text, as one JSON object, or as the protocol's events."""

import json
from pathlib import Path
from typing import Protocol

from offload.cli.tables import stats_lines
from offload.cli.terminal import Terminal
from offload.config import FinishReason, Token
from offload.protocol import PROTOCOL_VERSION, Done, Hello, Loading, TokenEvent
from offload.protocol_lines import encode
from offload.served import ServedEngine, loaded_event
from offload.stats import Stats

REQUEST_ID = 1
"""What the events of a command line belong to."""


class Answer(Protocol):
    """Takes what happens, in order: loading, loaded, tokens, done."""

    def loading(self, fraction: float) -> None:
        """Take how much of the model is loaded."""

    def loaded(self, engine: ServedEngine) -> None:
        """Take that the model is open."""

    def token(self, token: Token) -> None:
        """Take one step."""

    def done(self, finish_reason: FinishReason, stats: Stats) -> None:
        """Take the end."""

    def failed(self) -> None:
        """Take that the generation ends with an error, which somebody else reports."""


class TextAnswer:
    """Text on standard output token by token; progress and, where asked for, statistics on standard error."""

    def __init__(self, terminal: Terminal, model: str | None, *, with_stats: bool) -> None:
        self._terminal = terminal
        self._label = f"loading {Path(model).name}" if model else "loading the demo model"
        self._with_stats = with_stats
        self._last = ""

    def loading(self, fraction: float) -> None:
        """Show the progress."""
        self._terminal.progress(self._label, fraction)

    def loaded(self, engine: ServedEngine) -> None:
        """Clear the progress."""
        self._terminal.clear_progress()

    def token(self, token: Token) -> None:
        """Write the text."""
        self._terminal.write(token.text)
        self._last = token.text or self._last

    def done(self, finish_reason: FinishReason, stats: Stats) -> None:
        """End the line, say what a reader must know, and write the statistics."""
        self._end_line()
        if finish_reason is FinishReason.CONTEXT_FULL:
            self._terminal.complain("The context is full; a larger one: -c, or go on with --context-shift.", "note")
        if self._with_stats:
            for line in stats_lines(stats):
                self._terminal.say(self._terminal.dim(line))

    def failed(self) -> None:
        """End the line that was begun."""
        if self._last:
            self._end_line()

    def _end_line(self) -> None:
        if not self._last.endswith("\n"):
            self._terminal.write_line()


class JsonAnswer:
    """One JSON object at the end: text, finish_reason, stats."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._model = ""
        self._text: list[str] = []

    def loading(self, fraction: float) -> None:
        """Nothing to tell yet."""

    def loaded(self, engine: ServedEngine) -> None:
        """Keep what was opened."""
        self._model = str(engine.path)

    def token(self, token: Token) -> None:
        """Keep the text."""
        self._text.append(token.text)

    def done(self, finish_reason: FinishReason, stats: Stats) -> None:
        """Write the object; its `stats` are those of the protocol."""
        done = json.loads(encode(Done(REQUEST_ID, finish_reason, stats)))
        answer = {"model": self._model, "text": "".join(self._text)}
        self._terminal.write_line(json.dumps(answer | {name: done[name] for name in ("finish_reason", "stats")}))

    def failed(self) -> None:
        """Keep the text back: the error takes the object's place."""


class EventAnswer:
    """The protocol's events, as a worker would send them for request 1."""

    def __init__(self, terminal: Terminal, version: str) -> None:
        self._terminal = terminal
        self._percent = -1
        self._terminal.write_bytes(encode(Hello(PROTOCOL_VERSION, version)))

    def loading(self, fraction: float) -> None:
        """Write the event, at most a hundred times."""
        percent = min(max(int(fraction * 100), 0), 100)
        if percent != self._percent:
            self._percent = percent
            self._terminal.write_bytes(encode(Loading(REQUEST_ID, percent / 100)))

    def loaded(self, engine: ServedEngine) -> None:
        """Write the event."""
        self._terminal.write_bytes(encode(loaded_event(REQUEST_ID, engine)))

    def token(self, token: Token) -> None:
        """Write the event."""
        self._terminal.write_bytes(encode(TokenEvent(REQUEST_ID, token.id, token.text, token.index)))

    def done(self, finish_reason: FinishReason, stats: Stats) -> None:
        """Write the event."""
        self._terminal.write_bytes(encode(Done(REQUEST_ID, finish_reason, stats)))

    def failed(self) -> None:
        """Nothing: the error is an event of its own."""
