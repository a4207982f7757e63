"""Topics: things to know that are asked for in many wordings and answered in a few sentences."""

from random import Random
from typing import NamedTuple

from models.demo.corpus.turns import Exchange, pair, politely


class Topic(NamedTuple):
    """One thing to know: wordings that ask for it, the sentences of its answer (each with its variants), and its keys.

    An answer to it holds one of ``keys``. The last fifth of the wordings is held out, all others are trained.
    """

    asks: tuple[str, ...]
    answer: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()

    @property
    def trained(self) -> tuple[str, ...]:
        """The wordings that are trained."""
        return self.asks[: len(self.asks) - len(self.asks) // 5]

    @property
    def held_out(self) -> tuple[str, ...]:
        """The wordings that are kept for the exam."""
        return self.asks[len(self.trained) :]

    def tell(self, rng: Random) -> str:
        """Draw one wording of the answer."""
        return " ".join(s for s in (rng.choice(variants) for variants in self.answer) if s)

    def exchange(self, rng: Random) -> Exchange:
        """Draw a question and its answer."""
        return pair(politely(rng, rng.choice(self.asks)), self.tell(rng))
