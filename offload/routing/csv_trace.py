"""Reads traces of the CSV format `route_trace v1`, which the project BigMoeOnEdge records.

    # route_trace v1
    # model=/models/m.gguf arch=qwen3moe n_layer=48 n_expert=128 n_expert_used=8
    # layer=0 expert_bytes=3059712 dense_bytes=11953152
    turn,phase,step,layer,slot,expert,weight,residency,expert_bytes
    0,0,0,0,0,49,0.221297,0,3059712

Rows of one batch go layer by layer, and in each layer step by step: a step is a token. Phase 0 is prefill, 1 decode.
Token ids are not recorded, router inputs neither; what was resident then is not read.
"""

import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

import numpy as np

from offload.errors import TraceFileError
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep, TraceHeader
from offload.routing.trace_rules import MAX_LAYERS, MAX_SEQUENCE, MAX_STEP_CELLS, header_trouble

FIRST_LINE = "# route_trace v1"
COLUMNS = "turn,phase,step,layer,slot,expert,weight,residency,expert_bytes"
_LINE_CHARACTERS = 8192
_LARGEST = 10**15
_LARGEST_WEIGHT = float(np.finfo(np.float16).max)


class _Row(NamedTuple):
    turn: int
    phase: int
    token: int
    layer: int
    slot: int
    expert: int
    weight: float


class _Batch:
    """Rows of one step of the trace, until all are there."""

    def __init__(self, first: _Row) -> None:
        self.turn, self.phase = first.turn, first.phase
        self.columns: dict[int, int] = {}
        """Where each token stands in `RouteStep.tokens`."""
        self.places = array("i")
        """Of each row: place of its layer, place of its token, slot, expert."""
        self.weights = array("f")
        self._layer, self._token, self._slot = first.layer, first.token, -1
        self._experts: set[int] = set()

    def follows(self, row: _Row) -> bool:
        """Say whether `row` belongs to this batch: rows go forward through its layers, and tokens in each."""
        if (row.turn, row.phase) != (self.turn, self.phase) or row.layer < self._layer:
            return False
        if row.phase == 1:
            return row.token == self._token
        return row.layer > self._layer or row.token >= self._token

    def add(self, row: _Row, layer_index: int) -> str:
        """Take `row`, which follows; return what is wrong with it, empty when nothing is."""
        if (row.layer, row.token) != (self._layer, self._token):
            self._layer, self._token, self._slot = row.layer, row.token, -1
            self._experts.clear()
        if row.slot <= self._slot:
            return f"slot {row.slot} does not come after slot {self._slot}"
        if row.expert in self._experts:
            return f"step {row.token} is routed to expert {row.expert} twice"
        self._slot = row.slot
        self._experts.add(row.expert)
        column = self.columns.setdefault(row.token, len(self.columns))
        self.places.extend((layer_index, column, row.slot, row.expert))
        self.weights.append(row.weight)
        return ""


class CsvTrace:
    """A CSV trace that was opened: its header, and its steps as often as is wanted. Any thread may iterate."""

    def __init__(self, path: Path, header: TraceHeader) -> None:
        self.path = path
        self._header = header
        self._most_tokens = max(1, MAX_STEP_CELLS // (len(header.layers) * header.n_expert_used))
        self._layer_index = {layer: index for index, layer in enumerate(header.layers)}

    @property
    def header(self) -> TraceHeader:
        """What all steps have in common."""
        return self._header

    def steps(self) -> Iterator[RouteStep]:
        """Yield the steps in the order they were computed.

        Raises:
            TraceFileError: a row is malformed, or the file cannot be read any more; names the line.
        """
        with _Lines(self.path) as lines:
            _read_header(lines)
            batch: _Batch | None = None
            for line in lines:
                if not line:
                    continue
                row = self._row(line, lines)
                if batch is None or not batch.follows(row):
                    if batch is not None:
                        yield self._step(batch)
                    batch = _Batch(row)
                if trouble := batch.add(row, self._layer_index[row.layer]):
                    lines.refuse(trouble)
                if len(batch.columns) > self._most_tokens:
                    lines.refuse(f"this batch has more than {self._most_tokens} tokens")
            if batch is not None:
                yield self._step(batch)

    def _row(self, line: str, lines: "_Lines") -> _Row:
        cells = line.split(",")
        if len(cells) != COLUMNS.count(",") + 1:
            lines.refuse(f"this row has {len(cells)} columns, not {COLUMNS.count(',') + 1}")
        try:
            turn, phase, token, layer, slot, expert = map(int, cells[:6])
            row = _Row(turn, phase, token, layer, slot, expert, float(cells[6]))
        except ValueError:
            lines.refuse("a number of this row is none")
        header = self._header
        for name, value, limit in (
            ("turn", row.turn, MAX_SEQUENCE + 1),
            ("phase", row.phase, 2),
            ("step", row.token, _LARGEST),
            ("slot", row.slot, header.n_expert_used),
            ("expert", row.expert, header.n_expert),
        ):
            if not 0 <= value < limit:
                lines.refuse(f"{name} {value} is not within 0 to {limit - 1}")
        if row.layer not in self._layer_index:
            lines.refuse(f"layer {row.layer} is none of the layers that the head of the file names")
        if not math.isfinite(row.weight) or abs(row.weight) > _LARGEST_WEIGHT:
            lines.refuse(f"weight {cells[6]} is no gate weight")
        return row

    def _step(self, batch: _Batch) -> RouteStep:
        header = self._header
        n_tokens = len(batch.columns)
        shape = (len(header.layers), n_tokens, header.n_expert_used)
        routes = np.full(shape, UNKNOWN, np.int16)
        weights = np.zeros(shape, np.float16)
        layer, token, slot, expert = np.array(batch.places).reshape(-1, 4).T
        routes[layer, token, slot] = expert
        weights[layer, token, slot] = batch.weights
        phase = Phase.DECODE if batch.phase else Phase.PREFILL
        return RouteStep(batch.turn, phase, np.full(n_tokens, -1, np.int32), routes, weights)


def read_csv_trace(path: Path) -> CsvTrace:
    """Open a CSV trace; its rows are read when its steps are asked for.

    Raises:
        TraceFileError: there is no such file, or its head is not that of a trace; names the line.
    """
    with _Lines(path) as lines:
        return CsvTrace(path, _read_header(lines))


class _Lines:
    """The lines of a text file, stripped; knows the number of the last one. For one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        try:
            self._file: TextIO = path.open(encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise self._unreadable(error) from error

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        while True:
            try:
                line = self._file.readline(_LINE_CHARACTERS)
            except OSError as error:
                raise self._unreadable(error) from error
            if not line:
                return
            self.number += 1
            if len(line) >= _LINE_CHARACTERS:
                self.refuse(f"this line is longer than {_LINE_CHARACTERS} characters")
            yield line.strip()

    def refuse(self, trouble: str) -> NoReturn:
        """Raise what says that the last line is wrong."""
        raise TraceFileError(f"The trace is malformed: {trouble}.", file=self.path, line=self.number)

    def _unreadable(self, error: OSError) -> TraceFileError:
        return TraceFileError(f"The trace could not be read: {error.strerror or error}.", file=self.path)


def _read_header(lines: _Lines) -> TraceHeader:
    """Read up to the line that names the columns."""
    first = next(iter(lines), "")
    if first != FIRST_LINE:
        lines.number = 1
        if first.startswith(FIRST_LINE.rpartition("v")[0]):
            lines.refuse(f"it is of the format {first[2:40]!r}, this release reads {FIRST_LINE[2:]!r}")
        lines.refuse(f"it does not begin with {FIRST_LINE!r}")
    model: dict[str, str] = {}
    expert_bytes: dict[int, int] = {}
    for line in lines:
        if line == COLUMNS:
            break
        if not line.startswith("#"):
            lines.refuse(f"here should be the names of the columns, {COLUMNS}")
        pairs = dict(pair.split("=", 1) for pair in line[1:].split() if "=" in pair)
        if "layer" in pairs:
            layer = _count(pairs, "layer", lines)
            if layer >= MAX_LAYERS:
                lines.refuse(f"layer {layer} is not within 0 to {MAX_LAYERS - 1}")
            expert_bytes[layer] = _count(pairs, "expert_bytes", lines)
        elif "n_expert" in pairs:
            model = pairs
    else:
        lines.refuse(f"it ends before the names of the columns, {COLUMNS}")
    if not expert_bytes:
        expert_bytes = dict.fromkeys(range(min(_count(model, "n_layer", lines), MAX_LAYERS + 1)), 0)
    header = TraceHeader(
        # The path of the machine that recorded it says nothing here.
        model_name=model.get("model", "").replace("\\", "/").rpartition("/")[2],
        architecture=model.get("arch", ""),
        fingerprint="",
        layers=tuple(sorted(expert_bytes)),
        n_expert=_count(model, "n_expert", lines),
        n_expert_used=_count(model, "n_expert_used", lines),
        expert_bytes=tuple(expert_bytes[layer] for layer in sorted(expert_bytes)),
    )
    if trouble := header_trouble(header):
        lines.refuse(trouble)
    return header


def _count(pairs: dict[str, str], name: str, lines: _Lines) -> int:
    text = pairs.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        lines.refuse(f"the head names no number {name}")
    return int(text)
