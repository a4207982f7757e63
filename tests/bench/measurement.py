"""What one process measures of one contender: prefill and decode of fixed tokens, the same for every contender.

    open ── prefill ── one token ── [[rehearse n tokens] ── clear ── prefill again] ── decode n tokens

The first decoded token closes the time from opening; the second prefill finds everything warm that can be warm. A
rehearsal leaves, where memory suffices, every expert of the answer resident. Tokens are pseudo-random and never
sampled: every contender routes to the same experts.
"""

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from offload.machine import resident_memory

_SEED = 1

Tokens = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Workload:
    """What a process computes, in tokens; `n_decode` of at least 1 counts the first decoded token."""

    n_prefill: int = 256
    n_decode: int = 64
    n_ctx: int = 1024
    n_threads: int = 1
    second_prefill: bool = True
    rehearsal: bool = False
    """Decode everything once before it is measured; goes with a second prefill."""

    def __post_init__(self) -> None:
        needed = self.n_prefill + self.n_decode
        if self.n_prefill < 1 or self.n_decode < 1 or self.n_threads < 1 or needed > self.n_ctx:
            raise ValueError(f"{self}: counts from 1 on, and {needed} tokens must fit the context")
        if self.rehearsal and not self.second_prefill:
            raise ValueError(f"{self}: a rehearsal needs a second prefill")

    def arguments(self) -> list[str]:
        """Return the command line of a process that is to do this."""
        return ["--workload", json.dumps(asdict(self))]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `arguments` wrote."""
        return cls(**json.loads(text))


class Paging(NamedTuple):
    """Counters of decode, since the model was opened."""

    hits: int
    misses: int
    bytes_read: int
    stall_seconds: float


class Contender(Protocol):
    """An open model, as much of it as the workload needs."""

    @property
    def n_vocab(self) -> int: ...

    def feed(self, tokens: Tokens) -> None:
        """Compute `tokens` as one batch after all earlier ones, with logits of the last."""

    def logits(self) -> NDArray[np.float32]:
        """Return the logits [n_vocab] of the last token fed."""

    def clear(self) -> None:
        """Forget all tokens."""

    def paging(self) -> Paging | None:
        """Return the pager's counters; None where nothing is paged."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one process found. Paging is of the second half of the decoded tokens, as the speed is."""

    n_decode: int
    open_seconds: float
    """From the start of opening to the context made."""
    first_token_seconds: float
    """From the start of opening to the first decoded token; prefill included."""
    first_token_at: float
    """The clock (`time.time()`) at the first decoded token."""
    prefill_seconds: float
    second_prefill_seconds: float | None
    first_half_tokens_per_second: float | None
    tokens_per_second: float
    """Over the second half of the decoded tokens."""
    slowest_token_seconds: float
    """Of the second half."""
    peak_bytes: int
    """Most physical memory the process ever had, file mappings included."""
    prefill_checksum: str
    decode_checksum: str
    """Of the logits after the last token."""
    hit_rate: float | None = None
    bytes_per_token: float | None = None
    stall_seconds_per_token: float | None = None

    @property
    def open_beyond_prefill_seconds(self) -> float:
        """Seconds from opening to the first decoded token that were not prefill."""
        return self.first_token_seconds - self.prefill_seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what every contender's process is told."""
    parser.add_argument("--model", required=True)
    parser.add_argument("--workload", type=Workload.parse, required=True, metavar="JSON")


def fixed_tokens(n_tokens: int, n_vocab: int) -> Tokens:
    """Return the first `n_tokens` of the token list that every contender computes, uniform over the vocabulary."""
    return np.random.default_rng(_SEED).integers(0, n_vocab, n_tokens, dtype=np.int32)


def measure(open_contender: Callable[[], AbstractContextManager[Contender]], work: Workload) -> Measurement:
    """Open a contender, do the work with it and close it.

    Raises:
        ArithmeticError: its logits are not finite.
    """
    begin = time.perf_counter()
    with open_contender() as contender:
        open_seconds = time.perf_counter() - begin
        tokens = fixed_tokens(work.n_prefill + work.n_decode, contender.n_vocab)
        prompt, answer = tokens[: work.n_prefill], tokens[work.n_prefill :]
        prefill_seconds = _timed(contender, prompt)
        prefill_checksum = checksum(contender.logits())
        token_seconds = [_timed(contender, answer[:1])]
        first_token_seconds, first_token_at = time.perf_counter() - begin, time.time()
        second_prefill_seconds = None
        if work.rehearsal:
            _timed_each(contender, answer[1:])
        if work.second_prefill:
            contender.clear()
            second_prefill_seconds = _timed(contender, prompt)
            token_seconds = []
        first_half = work.n_decode // 2
        token_seconds += _timed_each(contender, answer[len(token_seconds) : first_half])
        before = contender.paging()
        token_seconds += _timed_each(contender, answer[len(token_seconds) :])
        after = contender.paging()
        second_half = token_seconds[first_half:]
        return Measurement(
            n_decode=work.n_decode,
            open_seconds=open_seconds,
            first_token_seconds=first_token_seconds,
            first_token_at=first_token_at,
            prefill_seconds=prefill_seconds,
            second_prefill_seconds=second_prefill_seconds,
            first_half_tokens_per_second=1 / statistics.mean(token_seconds[:first_half]) if first_half else None,
            tokens_per_second=1 / statistics.mean(second_half),
            slowest_token_seconds=max(second_half),
            peak_bytes=resident_memory().peak_bytes,
            prefill_checksum=prefill_checksum,
            decode_checksum=checksum(contender.logits()),
            **_per_token(before, after, len(second_half)),
        )


def checksum(logits: NDArray[np.float32]) -> str:
    """Return what equal logits, and only they, have in common.

    Raises:
        ArithmeticError: they are not finite, so that being equal would mean nothing.
    """
    if not np.isfinite(logits).all():
        raise ArithmeticError("the logits are not finite")
    return hashlib.sha256(logits.tobytes()).hexdigest()[:16]


def print_line(measurement: Measurement) -> None:
    """Print the measurement as one JSON line."""
    print(json.dumps(asdict(measurement)), flush=True)


def read_line(output: Sequence[str]) -> Measurement:
    """Read the measurement back from the lines a process printed; it is the last one."""
    return Measurement(**json.loads(output[-1]))


def _timed(contender: Contender, tokens: Tokens) -> float:
    begin = time.perf_counter()
    contender.feed(tokens)
    return time.perf_counter() - begin


def _timed_each(contender: Contender, tokens: Tokens) -> list[float]:
    return [_timed(contender, tokens[i : i + 1]) for i in range(len(tokens))]


def _per_token(before: Paging | None, after: Paging | None, n_tokens: int) -> dict[str, float]:
    if before is None or after is None:
        return {}
    hits, misses = after.hits - before.hits, after.misses - before.misses
    return {
        "hit_rate": hits / (hits + misses) if hits + misses else 1.0,
        "bytes_per_token": (after.bytes_read - before.bytes_read) / n_tokens,
        "stall_seconds_per_token": (after.stall_seconds - before.stall_seconds) / n_tokens,
    }
