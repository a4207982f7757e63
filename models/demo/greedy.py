"""A model in plain llama.cpp, decoded greedily: its answers, and its logits on given text."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from models.demo.corpus import IM_END, Turn, render

N_CTX = 2048


class Answer(NamedTuple):
    """A greedy answer: its text and token ids, and whether the model ended it by itself."""

    text: str
    ids: list[int]
    ended: bool


class Answering(Protocol):
    """Whatever answers a conversation."""

    def answer(self, turns: Sequence[Turn], most_tokens: int = 256) -> Answer:
        """Return the answer, of at most so many tokens."""
        ...


class GreedyModel:
    """A GGUF model in plain llama.cpp. One thread at a time."""

    def __init__(self, path: Path, n_threads: int) -> None:
        self._llama = llama_cpp.Llama(str(path), n_ctx=N_CTX, n_threads=n_threads, logits_all=True, verbose=False)
        self._end = self.tokenize(IM_END)[0]

    def tokenize(self, text: str) -> list[int]:
        """Return the token ids of ChatML text."""
        return list(self._llama.tokenize(text.encode(), add_bos=False, special=True))

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits [token, n_vocab] after each of ``ids``, which begin a new context."""
        self._llama.reset()  # type: ignore[no-untyped-call]
        self._llama.eval(ids)
        return np.array(self._llama.scores[: len(ids)], np.float32)

    def answer(self, turns: Sequence[Turn], most_tokens: int = 256) -> Answer:
        """Return the greedy answer to a conversation."""
        self._llama.reset()  # type: ignore[no-untyped-call]
        self._llama.eval(self.tokenize(render(turns, add_generation_prompt=True)))
        ids: list[int] = []
        while len(ids) < most_tokens:
            token = int(np.argmax(self._llama.scores[self._llama.n_tokens - 1]))
            if token == self._end:
                return Answer(self._text(ids), ids, True)
            ids.append(token)
            self._llama.eval([token])
        return Answer(self._text(ids), ids, False)

    def _text(self, ids: list[int]) -> str:
        return str(self._llama.detokenize(ids).decode("utf-8", "replace"))
