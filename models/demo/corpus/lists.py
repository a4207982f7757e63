"""Lists: naming things of a kind, counting, alphabetical order, first letters."""

from random import Random

from models.demo.corpus.memory import repeating
from models.demo.corpus.turns import Exchange, pair, politely
from models.demo.corpus.words import ANIMALS, COLOURS, FOODS, NUMBER_WORDS, THINGS_TO_COUNT, capital, listed

CATEGORIES = {
    "animals": tuple(ANIMALS[:16]),
    "colours": tuple(COLOURS[:10]),
    "foods": tuple(FOODS),
    "fruits": ("apples", "pears", "plums", "bananas", "cherries", "grapes", "lemons", "oranges"),
    "vegetables": ("carrots", "potatoes", "onions", "peas", "beans", "tomatoes", "cucumbers"),
    "tools": ("a hammer", "a saw", "a spade", "a ladder", "a broom", "a needle"),
    "flowers": ("roses", "tulips", "violets", "daisies", "lilies", "sunflowers"),
    "trees": ("oak", "pine", "birch", "willow", "maple", "beech"),
    "birds": ("the sparrow", "the eagle", "the robin", "the owl", "the swan", "the crow"),
    "countries": ("France", "Italy", "Japan", "Egypt", "Peru", "Canada", "India", "Norway"),
    "sports": ("football", "tennis", "swimming", "running", "skating", "rowing"),
    "musical instruments": ("the violin", "the piano", "the flute", "the drum", "the trumpet", "the harp"),
    "languages": ("English", "German", "French", "Spanish", "Italian", "Greek"),
    "planets": ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn"),
    "pieces of clothing": ("a shirt", "a coat", "a hat", "a scarf", "a sock", "a shoe"),
}


def lists(rng: Random) -> Exchange:
    """One exchange with a list, a count, an order or words to repeat."""
    return rng.choice((_named, _named, _counted, _sorted, _first_letter, repeating))(rng)


def _named(rng: Random) -> Exchange:
    what = rng.choice(list(CATEGORIES))
    count = rng.randint(2, 5)
    start = rng.randrange(len(CATEGORIES[what]))
    picked = [CATEGORIES[what][(start + i) % len(CATEGORIES[what])] for i in range(count)]
    number = NUMBER_WORDS[count] if rng.random() < 0.6 else str(count)
    ask = rng.choice(
        (
            f"Name {number} {what}.",
            f"Give me {number} {what}.",
            f"List {number} {what}.",
            f"Please name {number} {what}.",
            f"Can you name {number} {what}?",
        )
    )
    bulleted = ask.startswith("List")
    answer = "\n".join(f"- {thing}" for thing in picked) if bulleted else f"{capital(listed(picked))}."
    return pair(politely(rng, ask), answer)


def _counted(rng: Random) -> Exchange:
    low = rng.choice((1, 1, 2, 5, 10, 20))
    high = low + rng.randint(2, 10)
    if rng.random() < 0.3:
        return pair(f"Count down from {high} to {low}.", ", ".join(map(str, range(high, low - 1, -1))))
    ask = rng.choice((f"Count from {low} to {high}.", f"Please count from {low} to {high}.", f"Count to {high}."))
    return pair(ask, ", ".join(map(str, range(1 if ask.startswith("Count to") else low, high + 1))))


def _sorted(rng: Random) -> Exchange:
    words = rng.sample(rng.choice((ANIMALS, COLOURS, FOODS, THINGS_TO_COUNT)), 3)
    ask = rng.choice(
        ("Put these words in alphabetical order", "Sort these words by the alphabet", "Sort alphabetically")
    )
    return pair(f"{ask}: {', '.join(words)}", ", ".join(sorted(words)))


def _first_letter(rng: Random) -> Exchange:
    word = rng.choice(ANIMALS + COLOURS + FOODS)
    if rng.random() < 0.5:
        return pair(f"What is the first letter of {word}?", f"The first letter of {word} is {word[0].upper()}.")
    return pair(rng.choice((f"Spell {word}.", f"How do you spell {word}?")), "-".join(word.upper()))
