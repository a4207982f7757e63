"""The exam: held-out questions with one right answer, held-out story requests, held-out questions about offload."""

from collections.abc import Callable
from itertools import islice
from random import Random
from typing import NamedTuple

from models.demo.corpus import Turn, conversations, is_held_out
from models.demo.corpus.arithmetic import question as arithmetic_question
from models.demo.corpus.facts import fact_question, opposite_question
from models.demo.corpus.product import TOPICS
from models.demo.corpus.small_talk import IDENTITY
from models.demo.corpus.story_talk import Request, request
from models.demo.corpus.topics import Topic
from models.demo.corpus.turns import Question, politely

SEED = 4242


class ProductQuestion(NamedTuple):
    """A question about offload and the topic it asks for."""

    ask: str
    topic: Topic


def identity_question(rng: Random) -> Question:
    """A question about the model itself."""
    topic = rng.choice(IDENTITY)
    return Question(politely(rng, rng.choice(topic.asks)), topic.tell(rng), topic.keys)


QUESTION_KINDS: dict[str, Callable[[Random], Question]] = {
    "arithmetic": arithmetic_question,
    "fact": fact_question,
    "opposite": opposite_question,
    "identity": identity_question,
}


def questions(kind: str, count: int) -> list[Question]:
    """Return ``count`` different held-out questions of a kind.

    What is held out of arithmetic is the pair of numbers; of the others, the wording, wrapped in polite words or not.
    """
    rng = Random(f"{SEED} {kind}")
    found: dict[str, Question] = {}
    while len(found) < count:
        asked = QUESTION_KINDS[kind](rng)
        if is_held_out(asked.ask):
            found.setdefault(asked.ask.lower(), asked)
    return list(found.values())


def story_requests(count: int) -> list[Request]:
    """Return ``count`` different held-out requests for stories."""
    rng = Random(SEED)
    found: dict[str, Request] = {}
    while len(found) < count:
        asked = request(rng)
        if is_held_out(asked.ask):
            found.setdefault(asked.ask.lower(), asked)
    return list(found.values())


def product_questions() -> list[ProductQuestion]:
    """Return every held-out wording of a question about offload."""
    return [ProductQuestion(ask, topic) for topic in TOPICS for ask in topic.asks if is_held_out(ask)]


def held_out_openings(domain: str, count: int) -> list[list[Turn]]:
    """Return held-out conversations of a domain, each up to its first answer."""
    drawn = islice(conversations(SEED, held_out=True, domain=domain), count)
    return [turns[: next(i for i, turn in enumerate(turns) if turn.role == "assistant") + 1] for _, turns in drawn]
