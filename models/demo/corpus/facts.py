"""Simple facts: relations between two words, each asked for in many wordings and answered in one.

The exam on facts holds out wordings: every fact is trained, but not in the wordings that are asked in the exam.
"""

from random import Random
from typing import NamedTuple

from models.demo.corpus.fact_tables import (
    CAPITALS,
    COLOUR_OF,
    CONTINENTS,
    EATS,
    HOME_OF,
    JOBS,
    KINDS,
    LEGS_OF,
    MADE_OF,
    OPPOSITES,
    PAST,
    PLAIN_FACTS,
    PLURALS,
    SIDES,
    SOUND_OF,
    USED_FOR,
    YOUNG_OF,
)
from models.demo.corpus.turns import Exchange, Question, politely
from models.demo.corpus.words import DAYS, MONTHS, NUMBER_WORDS, ORDINALS, SEASONS, a, capital


class Relation(NamedTuple):
    """A table of facts: wordings with the slots {x}, {X} (capitalised), {ax} (with article), and an answer with {y} too."""

    name: str
    weight: float
    asks: tuple[str, ...]
    answer: str
    table: dict[str, str]


def _after(words: tuple[str, ...]) -> dict[str, str]:
    return {word: words[(i + 1) % len(words)] for i, word in enumerate(words)}


def _before(words: tuple[str, ...]) -> dict[str, str]:
    return {word: words[i - 1] for i, word in enumerate(words)}


def _follows(what: str, words: tuple[str, ...]) -> tuple[Relation, Relation]:
    after = (
        f"Which {what} comes after {{x}}?", f"What {what} follows {{x}}?", "What comes after {x}?", "What comes next after {x}?",
        f"Which {what} follows {{x}}?", f"Tell me the {what} after {{x}}.", f"Name the {what} after {{x}}.",
    )  # fmt: skip
    before = (
        f"Which {what} comes before {{x}}?", f"What {what} is before {{x}}?", "What comes before {x}?",
        f"Which {what} is right before {{x}}?", f"Tell me the {what} before {{x}}.", f"Name the {what} before {{x}}.",
    )  # fmt: skip
    return (
        Relation(f"{what} after", 1, after, "{Y} comes after {x}.", _after(words)),
        Relation(f"{what} before", 1, before, "{Y} comes before {x}.", _before(words)),
    )


LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OPPOSITE_ASKS = (
    "What is the opposite of {x}?", "What is the opposite of the word {x}?", "Which word is the opposite of {x}?",
    "Give me the opposite of {x}.", "Name the opposite of {x}.", "Tell me the opposite of {x}.", "What is the contrary of {x}?",
    "The opposite of {x} is what?", "Opposite of {x}?", "Find the opposite of {x}.",
)  # fmt: skip
_DAYS_IN = {
    month: "28 or 29" if month == "February" else "30" if month in ("April", "June", "September", "November") else "31"
    for month in MONTHS
}

OPPOSITE = Relation(
    "opposite", 5, _OPPOSITE_ASKS, "The opposite of {x} is {y}.", dict(OPPOSITES) | {y: x for x, y in OPPOSITES}
)
RELATIONS = (
    Relation("capital", 2, (
        "What is the capital of {x}?", "Which city is the capital of {x}?", "Name the capital of {x}.", "What is {x}'s capital?",
        "What is the capital city of {x}?", "Do you know the capital of {x}?", "Tell me the capital of {x}.", "Capital of {x}?",
    ), "The capital of {x} is {y}.", CAPITALS),
    Relation("country", 1, (
        "Of which country is {x} the capital?", "{x} is the capital of which country?", "Which country has the capital {x}?",
        "What country is {x} the capital of?", "Which country's capital is {x}?", "In which country is {x}?", "Where is {x}?",
    ), "{x} is the capital of {y}.", {city: land for land, city in CAPITALS.items()}),
    Relation("continent", 1, (
        "On which continent is {x}?", "Which continent is {x} on?", "What continent is {x} in?", "To which continent does {x} belong?",
        "In which part of the world is {x}?",
    ), "{x} is in {y}.", CONTINENTS),
    Relation("colour", 1.5, (
        "What colour is {x}?", "Which colour is {x}?", "What color is {x}?", "What is the colour of {x}?", "Tell me the colour of {x}.",
        "Which colour does {x} have?", "Name the colour of {x}.",
    ), "{X} is {y}.", COLOUR_OF),
    Relation("sound", 1, (
        "What sound does {ax} make?", "How does {ax} sound?", "What does {ax} do when it makes a sound?", "Which sound does {ax} make?",
        "What noise does {ax} make?", "What does {ax} say?",
    ), "{AX} {y}.", SOUND_OF),
    Relation("young", 1, (
        "What is a young {x} called?", "What do you call a baby {x}?", "What is a baby {x} called?", "What is the young of {ax}?",
        "How do we call a young {x}?", "What is the name for a young {x}?", "What do we call a young {x}?",
    ), "A young {x} is called {ay}.", YOUNG_OF),
    Relation("legs", 1, (
        "How many legs does {ax} have?", "How many legs has {ax}?", "What number of legs does {ax} have?", "Count the legs of {ax}.",
        "Tell me how many legs {ax} has.", "With how many legs does {ax} walk?",
    ), "{AX} has {y} legs.", LEGS_OF),
    Relation("home", 1, (
        "Where does {ax} live?", "What is the home of {ax}?", "Where do you find {ax}?", "Where is the home of {ax}?",
        "Tell me where {ax} lives.", "In what place does {ax} live?",
    ), "{AX} lives {y}.", HOME_OF),
    Relation("food", 1, (
        "What does {ax} eat?", "What do you feed {ax}?", "What is the food of {ax}?", "What does {ax} like to eat?",
        "Tell me what {ax} eats.",
    ), "{AX} eats {y}.", EATS),
    Relation("use", 1.5, (
        "What is {x} for?", "What do we use {x} for?", "What is {x} used for?", "Why do we need {x}?", "What can you do with {x}?",
        "What do people use {x} for?",
    ), "We use {x} {y}.", USED_FOR),
    Relation("material", 1, (
        "What is {x} made of?", "Of what is {x} made?", "What do you need to make {x}?", "From what is {x} made?",
        "Which material is {x} made of?",
    ), "{X} is made of {y}.", MADE_OF),
    Relation("job", 1, (
        "Who {x}?", "Which person {x}?", "What do you call a person who {x}?", "Name the person who {x}.", "Whose job is it: who {x}?",
    ), "{AY} {x}.", JOBS),
    Relation("kind", 1.5, (
        "What is {x}?", "What kind of thing is {x}?", "Tell me what {x} is.", "Do you know what {x} is?", "Explain what {x} is.",
        "To which group does {x} belong?",
    ), "{X} is {ay}.", KINDS),
    Relation("plural", 1.5, (
        "What is the plural of {x}?", "Give me the plural of {x}.", "Tell me the plural of {x}.", "What is the plural form of {x}?",
        "One {x}, two what?", "How do you write more than one {x}?", "Plural of {x}?",
    ), "The plural of {x} is {y}.", PLURALS),
    Relation("past", 1.5, (
        "What is the past tense of {x}?", "Give me the past tense of {x}.", "Tell me the past tense of {x}.", "What is the past form of {x}?",
        "Past tense of {x}?", "Put {x} into the past tense.",
    ), "The past tense of {x} is {y}.", PAST),
    Relation("sides", 0.5, (
        "How many sides does {ax} have?", "How many corners does {ax} have?", "Tell me how many sides {ax} has.", "How many sides has {ax}?",
    ), "{AX} has {y} sides and {y} corners.", SIDES),
    Relation("days in month", 1, (
        "How many days does {x} have?", "How many days are in {x}?", "How many days are there in {x}?", "How long is {x}?",
        "Tell me the number of days in {x}.", "What is the number of days in {x}?",
    ), "{x} has {y} days.", _DAYS_IN),
    Relation("number of month", 1, (
        "Which month of the year is {x}?", "What number is the month of {x}?", "Is {x} the first month of the year?",
        "Which number has {x} among the months?", "What is the number of {x} in the year?",
    ), "{x} is the {y} month of the year.", dict(zip(MONTHS, ORDINALS, strict=True))),
    Relation("month by number", 1, (
        "Which is the {x} month of the year?", "What is the {x} month of the year?", "Name the {x} month of the year.",
        "Tell me the {x} month.", "What is the {x} month called?",
    ), "The {x} month of the year is {y}.", dict(zip(ORDINALS, MONTHS, strict=True))),
    Relation("number word", 1, (
        "Write {x} in words.", "How do you write {x} in words?", "Spell the number {x}.", "What is {x} in words?", "Say {x} in words.",
    ), "{x} in words is {y}.", {str(i): word for i, word in enumerate(NUMBER_WORDS)}),
    *_follows("day", DAYS),
    *_follows("month", tuple(MONTHS)),
    *_follows("season", SEASONS),
    *(r._replace(table={x: y for x, y in r.table.items() if x != last}) for r, last in zip(_follows("letter", LETTERS), "ZA", strict=True)),
)  # fmt: skip
_WEIGHTS = [relation.weight for relation in RELATIONS]


def ask(relation: Relation, x: str, wording: str) -> Question:
    """Return the question for one fact in one wording."""
    y = relation.table[x]
    slots = {
        "x": x,
        "X": capital(x),
        "ax": a(x),
        "AX": capital(a(x)),
        "y": y,
        "Y": capital(y),
        "ay": a(y),
        "AY": capital(a(y)),
    }
    answer = relation.answer.format_map(slots)
    rivals = {other for other in relation.table.values() if f" {other.lower()}" not in f" {answer.lower()}"}
    return Question(wording.format_map(slots), answer, (y,), tuple(sorted(rivals)))


def _of(rng: Random, relation: Relation) -> Question:
    return ask(relation, rng.choice(_KEYS[relation.name]), rng.choice(relation.asks))


_KEYS = {relation.name: list(relation.table) for relation in (*RELATIONS, OPPOSITE)}


def fact_question(rng: Random) -> Question:
    """A question for one fact of any table but the opposites."""
    if rng.random() < 0.12:
        asks, answer, key = rng.choice(PLAIN_FACTS)
        asked = Question(rng.choice(asks), answer, (key,))
    else:
        asked = _of(rng, rng.choices(RELATIONS, _WEIGHTS)[0])
    return asked._replace(ask=politely(rng, asked.ask))


def opposite_question(rng: Random) -> Question:
    """A question for the opposite of a word."""
    asked = _of(rng, OPPOSITE)
    return asked._replace(ask=politely(rng, asked.ask))


def facts(rng: Random) -> Exchange:
    """One to four facts in a row."""
    draws = rng.choices((fact_question, opposite_question), (4, 1), k=rng.choice((1, 2, 3, 4)))
    return [turn for draw in draws for turn in draw(rng).exchange()]
