"""Training batches: documents drawn on the fly, encoded, laid one after another until a batch is full.

A batch is a function of the seed and its number alone: a run that goes on needs to know how many batches it has seen, no
more, and several workers share the numbers out without a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.demo.corpus import END_OF_TEXT, IM_END, IM_START, conversations, documents, render

DOCUMENTS_AT_A_TIME = 16
ASKED_WEIGHT = 0.1  # what the user and the system say is learnt too, but counts little
LONG_ROW_SHARE = 0.01  # of rows are many documents end to end, so that far positions are learnt too
LONGEST_ROW = 2048
BATCHES_PER_SEED = 1_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Ids, the ids to predict and their weights, all [token]; ``lengths`` of the rows that lie one after another."""

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.float32]
    lengths: list[int]


@dataclass(frozen=True, slots=True)
class _Marks:
    end_of_text: int
    im_start: int
    im_end: int
    assistant: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "_Marks":
        role = tokenizer.encode("assistant").ids
        if len(role) != 1:
            raise ValueError(f"the role name 'assistant' must be one token, but it is {len(role)}")
        end_of_text, im_start, im_end = map(tokenizer.token_to_id, (END_OF_TEXT, IM_START, IM_END))
        return cls(end_of_text, im_start, im_end, role[0])


_Row = tuple[NDArray[np.int64], NDArray[np.float32]]


def _weights(ids: NDArray[np.int64], marks: _Marks) -> NDArray[np.float32]:
    starts = np.flatnonzero(ids == marks.im_start)
    weights = np.full(len(ids), ASKED_WEIGHT if len(starts) else 1.0, np.float32)
    for start in starts:
        if ids[start + 1] == marks.assistant:
            end = start + int(np.argmax(ids[start:] == marks.im_end))
            weights[start + 3 : end + 1] = 1.0
    weights[-1] = 1.0
    return weights


def _encoded(tokenizer: Tokenizer, texts: Iterator[str]) -> Iterator[_Row]:
    marks = _Marks.of(tokenizer)
    while some := list(islice(texts, DOCUMENTS_AT_A_TIME)):
        for encoding in tokenizer.encode_batch(some):
            ids = np.array([*encoding.ids, marks.end_of_text], np.int64)
            yield ids, _weights(ids, marks)


def _joined(rows: Iterator[_Row], rng: Random) -> Iterator[_Row]:
    """Join the documents of some rows end to end, up to a drawn length."""
    for ids, weights in rows:
        if rng.random() >= LONG_ROW_SHARE:
            yield ids[: LONGEST_ROW + 1], weights[: LONGEST_ROW + 1]
            continue
        length = int(2 ** rng.uniform(8, np.log2(LONGEST_ROW))) + 1
        parts = [(ids, weights)]
        while sum(len(part) for part, _ in parts) < length and (following := next(rows, None)):
            parts.append(following)
        yield np.concatenate([i for i, _ in parts])[:length], np.concatenate([w for _, w in parts])[:length]


def _filled(rows: Iterator[_Row], n_token: int) -> Batch:
    """Lay rows one after another until there are ``n_token``; the last one is cut."""
    ids, targets, weights, lengths, room = [], [], [], [], n_token
    while room:
        row, row_weights = next(rows)
        length = min(len(row) - 1, room)
        ids.append(row[:length])
        targets.append(row[1 : length + 1])
        weights.append(row_weights[1 : length + 1])
        lengths.append(length)
        room -= length
    return Batch(np.concatenate(ids), np.concatenate(targets), np.concatenate(weights), lengths)


def training_batch(tokenizer: Tokenizer, seed: int, number: int, n_token: int) -> Batch:
    """Return batch ``number`` of ``seed``: the same whenever it is asked for."""
    drawn = seed * BATCHES_PER_SEED + number
    return _filled(_joined(_encoded(tokenizer, documents(drawn)), Random(drawn)), n_token)


def held_out_batches(tokenizer: Tokenizer, seed: int, count: int, n_token: int) -> list[Batch]:
    """Return ``count`` batches of held-out conversations in which only the assistant's words have weight."""
    texts = (render(turns) for _, turns in conversations(seed, held_out=True))
    rows = ((ids, (weights == 1.0).astype(np.float32)) for ids, weights in _encoded(tokenizer, texts))
    return [_filled(rows, n_token) for _ in range(count)]
