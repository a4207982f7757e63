"""What is said in a conversation: turns, exchanges, questions with one right answer, and the words of politeness."""

from random import Random
from typing import NamedTuple

PREFIXES = (
    "Hello! ", "Hi! ", "Hi, ", "Please tell me: ", "One question: ", "I want to know: ",
    "Quick question: ", "Can you help me? ", "Please: ",
)  # fmt: skip
SUFFIXES = (" Please.", " Thank you.", " Thanks!", " Please answer.")
PLAIN_SHARE = 0.6


class Turn(NamedTuple):
    """What one role says."""

    role: str
    text: str


Exchange = list[Turn]


class Question(NamedTuple):
    """A question and its answer.

    An answer in other words is right too if it holds one of ``keys`` and none of ``rivals``, as whole words.
    """

    ask: str
    answer: str
    keys: tuple[str, ...]
    rivals: tuple[str, ...] = ()

    def exchange(self) -> Exchange:
        """Return the question and its answer as two turns."""
        return pair(self.ask, self.answer)


def pair(ask: str, answer: str) -> Exchange:
    """Return a user's turn and the assistant's answer to it."""
    return [Turn("user", ask), Turn("assistant", answer)]


def politely(rng: Random, ask: str) -> str:
    """Wrap a question in the words people add, or type it carelessly, or leave it alone."""
    if rng.random() < PLAIN_SHARE:
        return ask
    lower = ask[:1].lower() + ask[1:]
    bare = ask.rstrip("?.!")
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice((lower, bare, ask.lower(), lower.rstrip("?.!")))
    if kind == 1:
        return ask + rng.choice(SUFFIXES)
    prefix = rng.choice(PREFIXES)
    return prefix + (ask if prefix[-2] in "!?:" else lower)


def carelessly(rng: Random, text: str) -> str:
    """Type a text without capitals or the mark at its end, now and then."""
    bare = text.rstrip("?.!")
    return rng.choice((text, text, text, text, bare, text.lower(), bare.lower()))


def core(ask: str) -> str:
    """Return what ``politely`` started from, without case and punctuation: the same for every wrapping of a text."""
    text = ask.lower().strip()
    for prefix in PREFIXES:
        text = text.removeprefix(prefix.lower())
    for suffix in SUFFIXES:
        text = text.removesuffix(suffix.lower())
    return "".join(c for c in text if c.isalnum() or c in "+-*×")
