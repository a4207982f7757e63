"""Conversations about stories: telling one on request, going on with one, and questions about the one just told."""

from random import Random
from typing import NamedTuple

from models.demo.corpus.stories import Hero, Story, pick_hero, tell, with_known_name
from models.demo.corpus.story_words import PLACES, THINGS, Place, Thing
from models.demo.corpus.turns import Exchange, carelessly, pair
from models.demo.corpus.words import BOYS, GIRLS, a, capital

OPEN_REQUESTS = (
    "Tell me a story.",
    "Can you tell me a story?",
    "Write a short story.",
    "I want to hear a story.",
    "Tell me another story.",
    "Another story, please.",
    "Do you know a story?",
)
BEGINNINGS = ("Once upon a time,", "Once upon a time, in a small house by the sea,")
MORAL_QUESTIONS = ("What can we learn from it?", "What is the moral of the story?", "What does the story teach us?")
STORY_QUESTIONS = (
    *MORAL_QUESTIONS,
    "Who is the story about?",
    "Who is the friend in the story?",
    "Where does the story happen?",
    "Which thing is in the story?",
)


class Request(NamedTuple):
    """What is asked for: the wording, and what the story must be about (None: left open)."""

    ask: str
    hero: Hero
    place: Place | None
    thing: Thing | None


def request(rng: Random) -> Request:
    """Draw a request that names one to three things; whatever it leaves open, the hero is settled."""
    hero = pick_hero(rng, invented=True)
    place, thing = rng.choice(PLACES), rng.choice(THINGS)
    kind, object_ = a(hero.kind), a(thing.name)
    named = hero.name if hero.kind in ("girl", "boy") else f"{hero.name} the {hero.kind}"
    subjects = (
        (f"{kind} and {object_}", f"{kind} who has {object_}", f"{kind} with {object_}"),
        (f"{named} {place.at}", f"{kind} {place.at}"),
        (
            f"{kind} named {hero.name} and {object_}",
            f"{named} and {object_}",
            f"{kind} called {hero.name} and {object_}",
        ),
        (f"{named} and {object_} {place.at}", f"{kind} and {object_} {place.at}"),
        (kind, f"{kind} named {hero.name}", named, hero.described),
    )
    subject = rng.choice(rng.choice(subjects))
    if hero.name not in subject:
        hero = with_known_name(rng, hero)
    asked = place if place.at in subject else None, thing if object_ in subject else None
    return Request(_wording(rng, subject), hero, *asked)


def _wording(rng: Random, subject: str) -> str:
    return rng.choice(
        (
            f"Tell me a story about {subject}.",
            f"Tell me a story about {subject}",
            f"Tell me a short story about {subject}.",
            f"Write a short story about {subject}.",
            f"Write a story about {subject}.",
            f"Please tell me a story about {subject}.",
            f"Can you tell me a story about {subject}?",
            f"I would like to hear a story about {subject}.",
            f"A story about {subject}, please.",
            f"tell me a story about {subject}",
        )
    )


def story(rng: Random) -> Exchange:
    """A story on request; what the request names is what the story is about."""
    if rng.random() < 0.1:
        return pair(carelessly(rng, rng.choice(OPEN_REQUESTS)), tell(rng).text)
    asked = request(rng)
    return pair(asked.ask, tell(rng, hero=asked.hero, place=asked.place, thing=asked.thing).text)


def story_continued(rng: Random) -> Exchange:
    """The first words of a story from the user, the rest from the assistant."""
    hero = pick_hero(rng, invented=True)
    text = tell(rng, hero=hero).text
    first = text.index(". ") + 1
    commas = [i + 1 for i in range(16, first) if text[i] == ","]
    cut = rng.choice((first, first, text.index(". ", first) + 1, *commas))
    begun = text[:cut] if hero.name in text[:cut] or hero.name in GIRLS + BOYS else text[:first]
    ask = rng.choice(
        (begun, begun, f"Continue: {begun}", f"Go on with this story: {begun}", f"Continue this story: {begun}")
    )
    return pair(ask, text[len(begun) :].strip())


def questions_about(told: Story) -> list[tuple[str, str]]:
    """Questions whose answers stand in the story."""
    h, f = told.hero, told.friend
    asked = [
        ("Who is the story about?", f"It is about {h.name}, {h.described}."),
        (f"Who is {f.name}?", f"{f.name} is {f.described}."),
        (f"Who is {h.name}?", f"{h.name} is {h.described}."),
        ("Who is the friend in the story?", f"The friend is {f.name}, {f.described}."),
        ("Where does the story happen?", f"It happens near the {told.place.name}."),
        ("Which thing is in the story?", f"There is {a(told.thing.name)} in the story."),
    ]
    if told.colour:
        asked.append((f"What colour is the {told.thing.name}?", f"The {told.thing.name} is {told.colour}."))
    return asked


def story_with_questions(rng: Random) -> Exchange:
    """A story, told by either side, and questions about it."""
    asked = request(rng)
    told = tell(rng, hero=asked.hero, place=asked.place, thing=asked.thing)
    questions = questions_about(told)
    rng.shuffle(questions)
    if rng.random() < 0.3:
        questions[0] = (rng.choice(MORAL_QUESTIONS), f"We can learn that {told.moral}.")
    if rng.random() < 0.75:
        first = pair(asked.ask, told.text)
        return first + [turn for question in questions[: rng.randint(1, 3)] for turn in pair(*question)]
    question, answer = questions[0]
    turns = pair(f"{told.text}\n\n{question}", answer)
    return turns + [turn for question in questions[1 : rng.randint(1, 3)] for turn in pair(*question)]


def plain_story(rng: Random) -> str:
    """A story as plain text, without any conversation around it."""
    told = tell(rng)
    return (
        f"{told.text}\n"
        if rng.random() < 0.5
        else f"{capital(told.hero.name)} and the {told.thing.name}\n\n{told.text}\n"
    )
