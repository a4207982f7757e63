"""What the user says early and asks for later, and words to repeat: what a model must take from its context."""

from random import Random

from models.demo.corpus.turns import Exchange, pair
from models.demo.corpus.words import ANIMALS, BOYS, COLOURS, FOODS, GIRLS, a, capital, invented_name

QUESTIONS = (
    "What is my name?",
    "Do you remember my name?",
    "What do I like to eat?",
    "What is my favourite food?",
    "What is my favourite colour?",
    "Which colour do I like?",
)


def tell_and_ask(rng: Random) -> tuple[Exchange, Exchange]:
    """Return what the user tells and, for later, the question for it."""
    name, food, colour, animal = rng.choice(GIRLS + BOYS), rng.choice(FOODS), rng.choice(COLOURS), rng.choice(ANIMALS)
    if rng.random() < 0.3:
        name = invented_name(rng)
    kind = rng.randrange(5)
    if kind < 2:
        said = rng.choice(
            (
                f"My name is {name}.",
                f"I am {name}.",
                f"Hi, I am {name}.",
                f"Call me {name}.",
                f"Hello! My name is {name}.",
            )
        )
        return pair(said, f"Nice to meet you, {name}!"), pair(rng.choice(QUESTIONS[:2]), f"Your name is {name}.")
    if kind == 2:
        said = rng.choice((f"I like to eat {food}.", f"My favourite food is {food}.", f"I love {food}."))
        return pair(said, f"{capital(food)}! That sounds good."), pair(rng.choice(QUESTIONS[2:4]), f"You like {food}.")
    if kind == 3:
        said = rng.choice((f"My favourite colour is {colour}.", f"I like the colour {colour}."))
        return pair(said, f"{capital(colour)} is a nice colour."), pair(
            rng.choice(QUESTIONS[4:]), f"Your favourite colour is {colour}."
        )
    ask = rng.choice((f"What is the name of my {animal}?", f"What is my {animal} called?"))
    said = rng.choice((f"I have {a(animal)} named {name}.", f"My {animal} is called {name}."))
    return pair(said, f"{name} is a nice name for {a(animal)}."), pair(ask, f"Your {animal} is named {name}.")


def repeating(rng: Random) -> Exchange:
    """Words to say again."""
    words = [*ANIMALS, *COLOURS, *FOODS, invented_name(rng).lower(), invented_name(rng).lower()]
    said = " ".join(rng.sample(words, rng.randint(1, 4)))
    return pair(rng.choice((f"Repeat after me: {said}", f"Say: {said}", f"Repeat: {said}")), said)
