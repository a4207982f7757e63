"""Training batches: documents drawn on the fly, encoded, cut into rows that each start with a document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.demo.corpus import END_OF_TEXT, IM_END, IM_START, conversations, documents, render

DOCUMENTS_PER_CHUNK = 10_000
ASKED_WEIGHT = 0.1  # what the user and the system say is learnt too, but counts little


@dataclass(frozen=True, slots=True)
class Batch:
    """Ids [rows, n_token + 1] and the weight of predicting each of the last n_token of a row."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]


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


def _weights(ids: NDArray[np.int64], marks: _Marks) -> NDArray[np.float32]:
    starts = np.flatnonzero(ids == marks.im_start)
    weights = np.full(len(ids), ASKED_WEIGHT if len(starts) else 1.0, np.float32)
    for start in starts:
        if ids[start + 1] == marks.assistant:
            end = start + int(np.argmax(ids[start:] == marks.im_end))
            weights[start + 3 : end + 1] = 1.0
    weights[-1] = 1.0
    return weights


def _encode(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
    marks = _Marks.of(tokenizer)
    ids = [np.array([*e.ids, marks.end_of_text], np.int64) for e in tokenizer.encode_batch(list(texts))]
    return ids, [_weights(i, marks) for i in ids]


def _rows(
    ids: Sequence[NDArray[np.int64]], weights: Sequence[NDArray[np.float32]], length: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Fill rows with whole documents; one that is cut at a row's end starts the next row again."""
    first = 0
    while True:
        taken, last = 0, first
        while taken < length and last < len(ids):
            taken += len(ids[last])
            last += 1
        if taken < length:
            return
        yield np.concatenate(ids[first:last])[:length], np.concatenate(weights[first:last])[:length]
        first = last if taken == length or last - first == 1 else last - 1


def training_batches(tokenizer: Tokenizer, seed: int, rows: int, n_token: int) -> Iterator[Batch]:
    """Yield batches without end; no document is generated twice from the same state of the generator."""
    chunk = 0
    while True:
        texts = islice(documents(seed + 1000 + chunk), DOCUMENTS_PER_CHUNK)
        packed = _rows(*_encode(tokenizer, list(texts)), n_token + 1)
        while len(taken := list(islice(packed, rows))) == rows:
            ids, weights = zip(*taken, strict=True)
            yield Batch(np.stack(ids), np.stack(weights)[:, 1:])
        chunk += 1


def held_out_batches(tokenizer: Tokenizer, seed: int, rows: int, n_token: int, count: int) -> list[Batch]:
    """Return ``count`` batches of held-out conversations in which only the assistant's words have weight."""
    texts = [render(turns) for _, turns in islice(conversations(seed, held_out=True), rows * count * 12)]
    packed = _rows(*_encode(tokenizer, texts), n_token + 1)
    batches = []
    for _ in range(count):
        ids, weights = zip(*islice(packed, rows), strict=True)
        batches.append(Batch(np.stack(ids), (np.stack(weights)[:, 1:] == 1.0).astype(np.float32)))
    return batches
