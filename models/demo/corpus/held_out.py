"""What is held out: prompts that decide by their hash, and never reach the training.

Numbers are held out by pair: two numbers, one of them over 19, decide alone, whatever the wording, the order or the operation.
Everything else is held out by wording: the letters of the prompt decide, without case, punctuation and polite words around it.
For a fact this means that the fact itself is trained in other wordings, and some of the wordings are kept for the exam. The
topics (what the model is, what offload does) name the wordings that are kept.
"""

import hashlib
import re
from functools import lru_cache

from models.demo.corpus import german, memory, product, small_talk, story_talk
from models.demo.corpus.turns import core

HELD_OUT_ONE_IN = 10
LARGEST_OF_TABLES = 19  # sums within it are steps of other sums, a table to know: held out by wording like facts
_SUM = re.compile(r"(\d+) ?(?:[-+*x×]|plus|minus|times) ?(\d+)")
_NUMBER = re.compile(r"\d+")

_ALWAYS_TRAINED = frozenset(
    core(text)
    for text in (
        *story_talk.OPEN_REQUESTS,
        *story_talk.BEGINNINGS,
        *story_talk.STORY_QUESTIONS,
        *memory.QUESTIONS,
        *german.ALWAYS_TRAINED,
        *(ask for topic in small_talk.SMALL_TALK for ask in topic.asks),
        *(ask for topic in (*small_talk.IDENTITY, *product.TOPICS) for ask in topic.trained),
    )
)
_NEVER_TRAINED = frozenset(core(ask) for topic in (*small_talk.IDENTITY, *product.TOPICS) for ask in topic.held_out)


def _one_in_ten(key: str) -> bool:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % HELD_OUT_ONE_IN == 0


@lru_cache(maxsize=20_000)
def _pair_is_held_out(x: int, y: int) -> bool:
    return max(x, y) > LARGEST_OF_TABLES and _one_in_ten(f"{min(x, y)} {max(x, y)}")


def number_pairs(prompt: str) -> list[tuple[int, int]]:
    """Return the pairs of numbers that a text works with: those of its sums, or its only two numbers."""
    pairs = [(int(x), int(y)) for x, y in _SUM.findall(prompt)]
    if not pairs and len(numbers := _NUMBER.findall(prompt)) == 2:
        pairs = [(int(numbers[0]), int(numbers[1]))]
    return pairs


def is_held_out(prompt: str) -> bool:
    """Tell whether a user's text belongs to the held-out part: about one in ``HELD_OUT_ONE_IN``."""
    pairs = number_pairs(prompt)
    if any(max(two) > LARGEST_OF_TABLES for two in pairs):
        return any(_pair_is_held_out(*two) for two in pairs)
    key = core(prompt)
    return key in _NEVER_TRAINED or (key not in _ALWAYS_TRAINED and _one_in_ten(key))
