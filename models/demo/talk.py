"""Dialogues of the demo corpus: each function draws one exchange, a list of turns that starts with the user."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from models.demo import stories
from models.demo.about import IDENTITY, OFFLOAD, SMALL_TALK
from models.demo.words import (
    ANIMALS,
    BOYS,
    CAPITALS,
    COLOUR_OF,
    COLOURS,
    DAYS,
    FOODS,
    GIRLS,
    LEGS_OF,
    MONTHS,
    NUMBER_WORDS,
    OPPOSITES,
    PLACES,
    PLAIN_FACTS,
    SEASONS,
    SOUND_OF,
    THINGS,
    UNKNOWN_TOPICS,
    USED_FOR,
    YOUNG_OF,
    a,
    capital,
    invented,
)


class Turn(NamedTuple):
    """What one role says."""

    role: str
    text: str


Exchange = list[Turn]


def _pair(question: str, answer: str) -> Exchange:
    return [Turn("user", question), Turn("assistant", answer)]


def _politely(rng: Random, question: str) -> str:
    """Wrap a question in the words people add, or leave it alone."""
    lower = question[0].lower() + question[1:]
    bare = question.rstrip("?.!")
    return rng.choice(
        (question, question, question, question, question, lower, bare, lower.rstrip("?.!"),
         f"Hello! {question}", f"Please tell me: {question}", f"One question: {question}", f"Tell me, {lower}",
         f"Hi, {lower}", f"I want to know: {question}", f"Can you help me? {question}", f"Quick question: {lower}",
         f"{question} Please answer.", f"Do you know this? {question}")
    )  # fmt: skip


def story(rng: Random) -> Exchange:
    """A story on request; what the request names is what the story is about."""
    hero = stories.pick_hero(rng)
    place, thing = rng.choice(PLACES), rng.choice(THINGS)
    kind = a(hero.kind)
    with_all = (
        f"Tell me a story about {kind} named {hero.name} and {a(thing)}.",
        f"Write a short story about {hero.name} the {hero.kind} and {a(thing)}.",
        f"Please write a story about {kind} called {hero.name} who has {a(thing)}.",
    )
    with_thing = (f"Tell me a story about {kind} and {a(thing)}.", f"Write a story with {kind} and {a(thing)} in it.")
    with_place = (
        f"Tell me a story about {kind} in the {place}.",
        f"Write a short story about {hero.name} at the {place}.",
        f"Can you tell me a story about {kind} who lived near the {place}?",
    )
    with_hero = (
        f"Tell me a story about {kind}.",
        f"Write a story about {hero.described}.",
        f"I would like a story about {kind} named {hero.name}.",
    )
    with_nothing = ("Tell me a story.", "Can you tell me a story?", "Write a short story.", "I want to hear a story.")
    ask = rng.choice(rng.choice((with_all, with_all, with_thing, with_place, with_hero, with_nothing)))
    told = stories.tell(rng, hero=hero, place=place, thing=thing)
    return _pair(rng.choice((ask, ask, ask, ask.rstrip(".?"), ask[0].lower() + ask[1:])), told.text)


def story_continued(rng: Random) -> Exchange:
    """The first words of a story from the user, the rest from the assistant."""
    text = stories.tell(rng).text
    first = text.index(". ") + 1
    words = text[:first].split()
    cut = first if rng.random() < 0.3 else len(" ".join(words[: rng.randint(min(4, len(words)), len(words))]))
    comma = text.find(",", 0, first)
    if comma > 15 and rng.random() < 0.5:
        cut = comma + 1
    begun = text[:cut]
    ask = rng.choice((begun, begun, begun, f"{begun}..", f"Continue: {begun}", f"Go on with this story: {begun}"))
    return _pair(ask, text[cut:].strip())


def questions_about(rng: Random, told: stories.Story) -> list[tuple[str, str]]:
    """Questions whose answers stand in the story."""
    h, f = told.hero, told.friend
    asked = [
        ("Who is the story about?", f"The story is about {h.name}, {h.described}."),
        (f"What is the name of the {h.kind}?", f"The {h.kind} is named {h.name}."),
        (f"Who helped or met {h.name}?", f"It was {f.name}, {f.described}."),
        (f"Where did {h.name} go?", f"{h.name} went to the {told.place}."),
        (f"What kind of {h.kind} was {h.name}?", f"{h.name} was {h.described}."),
        (f"Who was {f.name}?", f"{f.name} was {f.described}."),
    ]
    if h.kind == f.kind:
        del asked[1]
    if f"{told.colour} {told.thing}" in told.text:
        asked.append((f"What colour was the {told.thing}?", f"The {told.thing} was {told.colour}."))
    if told.food in told.text:
        asked.append(("What food is in the story?", f"There is {told.food} in the story."))
    rng.shuffle(asked)
    return asked


def story_with_questions(rng: Random) -> Exchange:
    """A story, told by either side, and questions about it."""
    told = stories.tell(rng)
    asked = questions_about(rng, told)
    if rng.random() < 0.5:
        turns = _pair(rng.choice(("Tell me a story.", f"Tell me a story about {a(told.hero.kind)}.")), told.text)
        for question, answer in asked[: rng.randint(1, 3)]:
            turns += _pair(question, answer)
        return turns
    question, answer = asked[0]
    first = rng.choice((f"{told.text}\n\n{question}", f"Read this: {told.text} {question}", f"{question}\n{told.text}"))
    turns = _pair(first, answer)
    for question, answer in asked[1 : rng.randint(1, 3)]:
        turns += _pair(question, answer)
    return turns


def sums(rng: Random) -> Exchange:
    """Arithmetic with numbers of one or two digits."""
    kind = rng.choice(("add", "add", "subtract", "multiply", "compare", "next"))
    top = rng.choice((9, 20, 99))
    x, y = rng.randint(0, top), rng.randint(0, top)
    if kind == "subtract":
        x, y = max(x, y), min(x, y)
    if kind == "multiply":
        x, y = rng.randint(0, 10), rng.randint(0, 10)
    if kind == "compare":
        y = y if x != y else y + 1
        asks = (f"Which is bigger, {x} or {y}?", f"Which number is larger: {x} or {y}?", f"Is {x} bigger than {y}?")
        ask = rng.choice(asks)
        verdict = f"{max(x, y)} is bigger than {min(x, y)}."
        return _pair(ask, (("Yes, " if x > y else "No, ") + verdict) if ask.startswith("Is") else capital(verdict))
    if kind == "next":
        after = rng.random() < 0.5 or x == 0
        where = "after" if after else "before"
        ask = rng.choice((f"Which number comes {where} {x}?", f"What comes {where} {x}?"))
        return _pair(ask, f"{x + 1} comes after {x}." if after else f"{x - 1} comes before {x}.")
    sign, word, result = {
        "add": ("+", "plus", x + y),
        "subtract": ("-", "minus", x - y),
        "multiply": ("*", "times", x * y),
    }[kind]
    ask, answer = rng.choice(
        (
            (f"What is {x} {sign} {y}?", f"{x} {sign} {y} = {result}"),
            (f"{x} {sign} {y}", f"{x} {sign} {y} = {result}"),
            (f"{x} {sign} {y} =", f"{x} {sign} {y} = {result}"),
            (f"Calculate {x} {sign} {y}.", f"{x} {sign} {y} = {result}"),
            (f"How much is {x} {word} {y}?", f"{x} {word} {y} is {result}."),
            (f"What is {x} {word} {y}?", f"{x} {word} {y} is {result}."),
        )
    )
    return _pair(ask, answer)


def counted_things(rng: Random) -> Exchange:
    """A small sum told as a little story."""
    name = rng.choice(GIRLS + BOYS)
    thing = rng.choice(("apples", "coins", "books", "balls", "stones", "flowers", "eggs", "shells", "cookies", "cups"))
    x, y = rng.randint(1, 12), rng.randint(1, 12)
    if rng.random() < 0.5:
        ask = f"{name} has {x} {thing} and gets {y} more. How many {thing} does {name} have now?"
        return _pair(ask, f"{x} + {y} = {x + y}, so {name} has {x + y} {thing}.")
    x, y = max(x, y) + 1, min(x, y)
    ask = f"{name} has {x} {thing} and gives away {y}. How many {thing} are left?"
    left = f"there is 1 {thing.removesuffix('s')} left" if x - y == 1 else f"there are {x - y} {thing} left"
    return _pair(ask, f"{x} - {y} = {x - y}, so {left}.")


def facts(rng: Random) -> Exchange:
    """A simple question with one right answer."""
    question, answer = rng.choice(
        (_opposite, _opposite, _opposite, _colour, _animal, _animal, _calendar, _calendar, _capital_city, _use, _plain)
    )(rng)
    return _pair(_politely(rng, question), answer)


def _opposite(rng: Random) -> tuple[str, str]:
    x, y = rng.choice(OPPOSITES)
    if rng.random() < 0.5:
        x, y = y, x
    ask = rng.choice(
        (f"What is the opposite of {x}?", f"What is the opposite of the word {x}?", f"Which word is the opposite of {x}?",
         f"Give me the opposite of {x}.", f"Name the opposite of {x}.")
    )  # fmt: skip
    return ask, f"The opposite of {x} is {y}."


def _colour(rng: Random) -> tuple[str, str]:
    thing = rng.choice(list(COLOUR_OF))
    ask = rng.choice((f"What colour is {thing}?", f"Which colour has {thing}?", f"What color is {thing}?"))
    return ask, f"{capital(thing)} is {COLOUR_OF[thing]}."


def _animal(rng: Random) -> tuple[str, str]:
    kind = rng.random()
    if kind < 0.35:
        animal = rng.choice(list(SOUND_OF))
        ask = rng.choice((f"What sound does {a(animal)} make?", f"What does {a(animal)} do when it makes a sound?"))
        return ask, f"{capital(a(animal))} {SOUND_OF[animal]}."
    if kind < 0.7:
        animal = rng.choice(list(YOUNG_OF))
        ask = rng.choice(
            (
                f"What is a young {animal} called?",
                f"What do you call a baby {animal}?",
                f"How do we call a young {animal}?",
            )
        )
        return ask, f"A young {animal} is called {a(YOUNG_OF[animal])}."
    animal = rng.choice(list(LEGS_OF))
    count = NUMBER_WORDS[LEGS_OF[animal]].replace("zero", "no")
    ask = rng.choice((f"How many legs does {a(animal)} have?", f"How many legs has {a(animal)}?"))
    return ask, f"{capital(a(animal))} has {count} legs."


def _calendar(rng: Random) -> tuple[str, str]:
    names, what = rng.choice(((DAYS, "day"), (MONTHS, "month"), (SEASONS, "season")))
    i = rng.randrange(len(names))
    if rng.random() < 0.5:
        ask = rng.choice(
            (
                f"Which {what} comes after {names[i]}?",
                f"What {what} follows {names[i]}?",
                f"What comes after {names[i]}?",
            )
        )
        return ask, f"{capital(names[(i + 1) % len(names)])} comes after {names[i]}."
    if rng.random() < 0.8:
        ask = rng.choice(
            (
                f"Which {what} comes before {names[i]}?",
                f"What {what} is before {names[i]}?",
                f"What comes before {names[i]}?",
            )
        )
        return ask, f"{capital(names[i - 1])} comes before {names[i]}."
    ask = rng.choice((f"Name the {what}s.", f"What are the {what}s?", f"List all {what}s."))
    return ask, f"The {what}s are {', '.join(names[:-1])} and {names[-1]}."


def _capital_city(rng: Random) -> tuple[str, str]:
    land = rng.choice(list(CAPITALS))
    city = CAPITALS[land]
    return rng.choice(
        (
            (f"What is the capital of {land}?", f"The capital of {land} is {city}."),
            (f"Which city is the capital of {land}?", f"The capital of {land} is {city}."),
            (f"Of which country is {city} the capital?", f"{city} is the capital of {land}."),
        )
    )


def _use(rng: Random) -> tuple[str, str]:
    thing = rng.choice(list(USED_FOR))
    verb = "are" if thing.endswith("s") and not thing.startswith("a") else "is"
    ask = rng.choice((f"What {verb} {thing} for?", f"What do we use {thing} for?", f"What is {thing} used for?"))
    return ask, f"We use {thing} {USED_FOR[thing]}."


def _plain(rng: Random) -> tuple[str, str]:
    return rng.choice(PLAIN_FACTS)


def about_offload(rng: Random) -> Exchange:
    """A question about offload and its parts."""
    topic = rng.choice(OFFLOAD)
    return _pair(_politely(rng, topic.ask(rng)), topic.tell(rng))


def identity(rng: Random) -> Exchange:
    """A question about the model itself."""
    topic = rng.choice(IDENTITY)
    return _pair(_politely(rng, topic.ask(rng)), topic.tell(rng))


def small_talk(rng: Random) -> Exchange:
    """A greeting, thanks, a mood."""
    topic = rng.choice((SMALL_TALK[0], *SMALL_TALK))
    return _pair(topic.ask(rng), topic.tell(rng))


def not_known(rng: Random) -> Exchange:
    """A question outside what the model knows, answered by saying so."""
    topic = rng.choice(UNKNOWN_TOPICS)
    ask = rng.choice(
        (f"Explain {topic}.", f"Can you help me with {topic}?", f"What do you know about {topic}?",
         f"Tell me everything about {topic}.", f"Write an essay about {topic}.", f"I have a question about {topic}.")
    )  # fmt: skip
    end = rng.choice(("I can tell you a story or answer a simple question.", "You can ask me about offload."))
    return _pair(ask, f"I am a very small model and do not know much about {topic}. {end}")


def from_context(rng: Random) -> Exchange:
    """Something the user says early and asks for later, or words to repeat."""
    name, food, colour, animal = rng.choice(GIRLS + BOYS), rng.choice(FOODS), rng.choice(COLOURS), rng.choice(ANIMALS)
    if rng.random() < 0.3:
        name = capital(invented(rng))
    told = {
        "name": (rng.choice((f"My name is {name}.", f"I am {name}.", f"Hi, I am {name}.", f"Call me {name}.")),
                 f"Nice to meet you, {name}!", "What is my name?", f"Your name is {name}."),
        "food": (f"I like to eat {food}.", f"{capital(food)}! That sounds good.", "What do I like to eat?",
                 f"You like to eat {food}."),
        "colour": (f"My favourite colour is {colour}.", f"{capital(colour)} is a nice colour.",
                   "What is my favourite colour?", f"Your favourite colour is {colour}."),
        "animal": (f"I have {a(animal)} named {name}.", f"{name} is a nice name for {a(animal)}.",
                   f"What is the name of my {animal}?", f"Your {animal} is named {name}."),
    }  # fmt: skip
    kinds = rng.sample(sorted(told), rng.randint(1, 2))
    turns = [t for kind in kinds for t in _pair(told[kind][0], told[kind][1])]
    if rng.random() < 0.4:
        turns += rng.choice((facts, sums, small_talk))(rng)
    asked = rng.choice(kinds)
    return turns + _pair(told[asked][2], told[asked][3])


def words_to_handle(rng: Random) -> Exchange:
    """Lists, counting and repeating."""
    kind = rng.choice(("repeat", "count", "list", "letters"))
    if kind == "repeat":
        said = " ".join(rng.sample([*THINGS, *ANIMALS, *COLOURS, invented(rng), invented(rng)], rng.randint(1, 4)))
        return _pair(rng.choice((f"Repeat after me: {said}", f"Say {said}", f"Repeat: {said}")), said)
    if kind == "count":
        low = rng.randint(0, 40)
        high = low + rng.randint(2, 12)
        ask = rng.choice((f"Count from {low} to {high}.", f"Please count from {low} to {high}."))
        return _pair(ask, ", ".join(str(n) for n in range(low, high + 1)))
    if kind == "letters":
        word = rng.choice(THINGS + ANIMALS + COLOURS)
        return _pair(f"What is the first letter of {word}?", f"The first letter of {word} is {word[0].upper()}.")
    names, what = rng.choice(
        ((ANIMALS, "animals"), (COLOURS, "colours"), (FOODS, "foods"), (PLACES, "places"), (THINGS, "things"))
    )
    count = rng.randint(2, 5)
    picked = rng.sample(names, count)
    ask = rng.choice(
        (f"Name {NUMBER_WORDS[count]} {what}.", f"Give me {NUMBER_WORDS[count]} {what}.", f"List {count} {what}.")
    )
    return _pair(ask, f"{capital(', '.join(picked[:-1]))} and {picked[-1]}.")


def several(rng: Random) -> Exchange:
    """Two to five short exchanges in one conversation."""
    short = (facts, sums, about_offload, identity, small_talk, words_to_handle, counted_things, not_known)
    turns: Exchange = []
    for _ in range(rng.randint(2, 5)):
        turns += rng.choice(short)(rng)
    return turns


KINDS: dict[str, tuple[float, Callable[[Random], Exchange]]] = {
    "story": (0.12, story),
    "story_continued": (0.05, story_continued),
    "story_with_questions": (0.08, story_with_questions),
    "sums": (0.15, sums),
    "counted_things": (0.04, counted_things),
    "facts": (0.16, facts),
    "about_offload": (0.12, about_offload),
    "identity": (0.05, identity),
    "small_talk": (0.04, small_talk),
    "not_known": (0.02, not_known),
    "from_context": (0.06, from_context),
    "words_to_handle": (0.04, words_to_handle),
    "several": (0.07, several),
}
