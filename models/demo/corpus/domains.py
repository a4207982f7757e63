"""The domains of the corpus, their weights, and the endless conversations and documents drawn from them.

A weight is a domain's share of the conversations; its share of the text is another, since a story is long and a sum is short
(``python -m models.demo.corpus --shares`` prints both). Arithmetic has more than its share, because it is hardest to learn.
"""

from collections.abc import Callable, Iterator
from random import Random

from models.demo.corpus.arithmetic import arithmetic
from models.demo.corpus.chatml import render
from models.demo.corpus.facts import facts
from models.demo.corpus.german import german
from models.demo.corpus.held_out import is_held_out
from models.demo.corpus.lists import lists
from models.demo.corpus.memory import tell_and_ask
from models.demo.corpus.product import about_offload
from models.demo.corpus.python_functions import python
from models.demo.corpus.small_talk import SYSTEM_PROMPTS, identity, not_known, persona, small_talk
from models.demo.corpus.story_talk import plain_story, story, story_continued, story_with_questions
from models.demo.corpus.turns import Exchange, Turn

PLAIN_STORY_SHARE = 0.03
SYSTEM_PROMPT_SHARE = 0.2
SHORT_DOMAINS = (arithmetic, facts, facts, about_offload, identity, small_talk, small_talk, lists, german, python)


def dialogue(rng: Random) -> Exchange:
    """A longer conversation that goes from one domain to another; what was told early may be asked for later."""
    told, asked = tell_and_ask(rng) if rng.random() < 0.6 else ([], [])
    middle = [turn for _ in range(rng.randint(0 if told else 2, 3)) for turn in rng.choice(SHORT_DOMAINS)(rng)[:4]]
    if rng.random() < 0.25:
        middle += story(rng)
    return [*told, *middle, *asked]


DOMAINS: dict[str, tuple[float, Callable[[Random], Exchange]]] = {
    "story": (0.11, story),
    "story continued": (0.03, story_continued),
    "story with questions": (0.05, story_with_questions),
    "small talk": (0.04, small_talk),
    "identity": (0.06, identity),
    "persona": (0.005, persona),
    "not known": (0.02, not_known),
    "offload": (0.11, about_offload),
    "arithmetic": (0.245, arithmetic),
    "python": (0.05, python),
    "facts": (0.15, facts),
    "lists": (0.03, lists),
    "german": (0.05, german),
    "dialogue": (0.05, dialogue),
}
"""Weight and source of each domain; the weights add up to 1."""
ALWAYS_TRAINED = frozenset({"small talk", "persona"})
"""Domains without a held-out part: greetings and thanks are few, and all of them should be known."""


def conversations(seed: int, *, held_out: bool = False, domain: str | None = None) -> Iterator[tuple[str, list[Turn]]]:
    """Yield (domain, turns) without end, of one domain or of all by their weights.

    In the training part no user turn is held out; in the held-out part the first user turn of every conversation is.

    Raises:
        ValueError: the held-out part of a domain that has none.
    """
    if held_out and domain in ALWAYS_TRAINED:
        raise ValueError(f"the domain {domain!r} has no held-out part")
    rng = Random(seed)
    names = [domain] if domain else [name for name in DOMAINS if not (held_out and name in ALWAYS_TRAINED)]
    weights = [DOMAINS[name][0] for name in names]
    while True:
        name = rng.choices(names, weights)[0]
        turns = _drawn(rng, DOMAINS[name][1], held_out=held_out)
        if turns[0].role != "system" and rng.random() < SYSTEM_PROMPT_SHARE:
            turns = [Turn("system", rng.choice(SYSTEM_PROMPTS)), *turns]
        yield name, turns


def _drawn(rng: Random, source: Callable[[Random], Exchange], *, held_out: bool) -> Exchange:
    while True:
        turns = source(rng)
        asked = [turn.text for turn in turns if turn.role == "user"]
        if is_held_out(asked[0]) if held_out else not any(map(is_held_out, asked)):
            return turns


def documents(seed: int) -> Iterator[str]:
    """Yield training documents without end: conversations as ChatML and, now and then, a plain story."""
    rng = Random(seed ^ 0x5EED)
    for _, turns in conversations(seed):
        if rng.random() < PLAIN_STORY_SHARE:
            yield plain_story(rng)
        yield render(turns)
