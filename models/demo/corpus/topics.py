"""Topics: things to know that are asked for in many wordings and answered in a few sentences."""

import hashlib
import re
from itertools import product
from random import Random
from typing import NamedTuple

from models.demo.corpus.turns import Exchange, core, pair, politely

HELD_OUT_ONE_IN = 5
_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")


def wordings(*patterns: str) -> tuple[str, ...]:
    """Spell out patterns, in which ``{a|b|}`` stands for each of its alternatives; each wording comes once.

    Wordings that ``core`` takes for the same are one.
    """
    spelt: dict[str, str] = {}
    for pattern in patterns:
        parts = [part.split("|") if i % 2 else [part] for i, part in enumerate(_ALTERNATIVES.split(pattern))]
        for chosen in product(*parts):
            wording = " ".join("".join(chosen).split())
            spelt.setdefault(core(wording), wording)
    return tuple(spelt.values())


class Topic(NamedTuple):
    """One thing to know: wordings that ask for it, the sentences of its answer (each with its variants), and its keys.

    An answer to it holds one of ``keys``. One wording in ``HELD_OUT_ONE_IN`` is held out, those of the smallest hashes; all
    others are trained.
    """

    asks: tuple[str, ...]
    answer: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()

    @property
    def held_out(self) -> tuple[str, ...]:
        """The wordings that are kept for the exam."""
        kept = sorted(self.asks, key=_hash)[: len(self.asks) // HELD_OUT_ONE_IN]
        return tuple(ask for ask in self.asks if ask in kept)

    @property
    def trained(self) -> tuple[str, ...]:
        """The wordings that are trained."""
        kept = self.held_out
        return tuple(ask for ask in self.asks if ask not in kept)

    def tell(self, rng: Random) -> str:
        """Draw one wording of the answer."""
        return " ".join(s for s in (rng.choice(variants) for variants in self.answer) if s)

    def exchange(self, rng: Random) -> Exchange:
        """Draw a question and its answer."""
        return pair(politely(rng, rng.choice(self.asks)), self.tell(rng))


def _hash(ask: str) -> bytes:
    return hashlib.sha256(core(ask).encode()).digest()
