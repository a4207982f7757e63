"""Saying stop at a chosen moment: what a computation asks whether to end, and an answer stopped at every token."""

from collections.abc import Callable
from itertools import cycle

import pytest

from fakes.paged_runs import ANSWER, PROMPT, Logits, decode
from offload.errors import CancelledError
from offload.llama.context import LlamaContext


def after(n_questions: int) -> Callable[..., bool]:
    """Answer True from the question after so many on."""
    answers = iter(range(n_questions))
    return lambda *_: next(answers, None) is None


class Switch:
    """What is asked before each layer, or graph of a device; off unless set."""

    def __init__(self) -> None:
        self.cancelled: Callable[[], bool] = lambda: False

    def __call__(self) -> bool:
        return self.cancelled()


def answer_cancelled_at_every_token(context: LlamaContext, switch: Switch, most_layers: int) -> list[Logits]:
    """Return the logits of every token of ANSWER after PROMPT, each cancelled before it is computed.

    It is cancelled after 0, 1, .. layers in turn, fewer than `most_layers`.
    """
    found = []
    for index, (token, n_layers) in enumerate(zip(ANSWER, cycle(range(most_layers)), strict=False)):
        switch.cancelled = after(n_layers)
        with pytest.raises(CancelledError):
            decode(context, [token], position=len(PROMPT) + index)
        switch.cancelled = lambda: False
        found.append(decode(context, [token], position=len(PROMPT) + index))
    return found
