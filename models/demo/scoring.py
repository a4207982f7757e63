"""What makes an answer right, a story good and a statement about offload true: rules on text, without any model."""

import re
from collections.abc import Set
from enum import Enum
from functools import cache
from random import Random

from models.demo.corpus.product import claims
from models.demo.corpus.stories import tell
from models.demo.corpus.topics import Topic
from models.demo.corpus.turns import Question
from models.demo.corpus.words import BOY_FRIENDS, BOYS, GIRL_FRIENDS, GIRLS

FEWEST_SENTENCES = 4
VOCABULARY_STORIES = 6_000
_SENTENCE_END = re.compile(r"(?<=[.!?])\"?\s+(?=[A-Z\"`])")
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_STARTS_SENTENCE = re.compile(r"(?:^|[.!?:]\"?\s+|\"\s*|\n\s*)$")
_NAMES_OF_HER = frozenset(GIRLS + GIRL_FRIENDS)
_NAMES_OF_HIM = frozenset(BOYS + BOY_FRIENDS)


class StoryFault(Enum):
    """What may be wrong with a story."""

    NO_END = "does not end properly"
    NAMES = "does not keep its names"
    BROKEN_WORD = "has a broken word"


def holds(text: str, phrase: str) -> bool:
    """Tell whether a text holds a phrase as whole words, in any casing."""
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


def is_right(question: Question, answer: str) -> bool:
    """Tell whether an answer holds one of the question's keys and none of its rivals."""
    return any(holds(answer, key) for key in question.keys) and not any(
        holds(answer, rival) for rival in question.rivals
    )


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without the white space and closing quotes between them."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


def words(text: str) -> set[str]:
    """Return the words of a text in lower case, without a possessive ending."""
    return {word.lower().removesuffix("'s") for word in _WORD.findall(text)}


@cache
def story_vocabulary() -> frozenset[str]:
    """Return every whole word that stories of the corpus are written with, in lower case."""
    rng = Random(0)
    return frozenset(word for _ in range(VOCABULARY_STORIES) for word in words(tell(rng).text))


def names_in(text: str, vocabulary: Set[str] = frozenset()) -> list[str]:
    """Return the names of a text in the order they come: words that are capitalised where no sentence begins.

    Where one begins, a known name counts, and with a ``vocabulary`` every word that it does not have.
    """
    found = []
    for match in _WORD.finditer(text):
        word = match.group().removesuffix("'s")
        if not word[0].isupper() or word == "I" or word in found:
            continue
        begins = _STARTS_SENTENCE.search(text, max(0, match.start() - 4), match.start()) is not None
        if word in _NAMES_OF_HER | _NAMES_OF_HIM or (
            word.lower() not in vocabulary if begins and vocabulary else not begins
        ):
            found.append(word)
    return found


def story_faults(story: str, prompt: str, *, ended: bool) -> set[StoryFault]:
    """Return what is wrong with a story told for a prompt; ``ended``: the model ended it by itself."""
    faults = set()
    parts = sentences(story)
    if not (
        ended
        and re.search(r"[.!?]\"?$", story.strip())
        and len(parts) >= FEWEST_SENTENCES
        and len(set(parts)) == len(parts)
    ):
        faults.add(StoryFault.NO_END)
    if not _keeps_names(story, prompt):
        faults.add(StoryFault.NAMES)
    if words(story) - story_vocabulary() - words(prompt):
        faults.add(StoryFault.BROKEN_WORD)
    return faults


def _keeps_names(story: str, prompt: str) -> bool:
    """Tell whether each name is introduced, once, before it is used; the prompt's are used; and pronouns fit them."""
    given = names_in(prompt)
    names = names_in(story, story_vocabulary() | words(prompt) - {name.lower() for name in given})
    return (
        all(name in names for name in given)
        and all(_is_introduced(name, story, given=name in given) for name in names)
        and _pronouns_fit(story, names)
    )


def _is_introduced(name: str, story: str, *, given: bool) -> bool:
    introduction = re.compile(rf"\b(?:named|called) {name}\b|\b{name}, an? |\b{name} (?:is|was) an? ")
    introductions = list(introduction.finditer(story))
    if len(introductions) != 1:
        return given and not introductions
    first = re.search(rf"\b{name}\b", story)
    return given or (first is not None and first.start() >= introductions[0].start())


def _pronouns_fit(story: str, names: list[str]) -> bool:
    spoken = words(story)
    if names and _NAMES_OF_HER.issuperset(names):
        return not spoken & {"he", "him", "his"}
    if names and _NAMES_OF_HIM.issuperset(names):
        return not spoken & {"she", "her", "hers"}
    return True


def keeps_to(story: str, *wanted: str) -> bool:
    """Tell whether a story has what the prompt asked for."""
    return all(holds(story, word) for word in wanted)


def untrue_sentences(answer: str) -> list[str]:
    """Return the sentences of an answer about offload that are not in the table of claims."""
    return [sentence for sentence in sentences(answer) if sentence not in claims()]


def is_on_topic(answer: str, topic: Topic) -> bool:
    """Tell whether an answer holds the first claim of the topic it was asked for, in one of its variants."""
    return any(claim in answer for claim in topic.answer[0])
