"""Word lists that several domains share, and the small grammar they need.

Everything here was written for this recipe; nothing comes from a data set.
"""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import TypeVar

LEANING_SHARE = 0.7
FAVOURITES = 3
_T = TypeVar("_T")

GIRLS = (
    "Mia Anna Lily Nora Ella Zoe Ruby Clara Ida Maya Lucy Emma Rosa Nina Alice Greta Flora Bella Sofia Hanna".split()
)
BOYS = "Tom Ben Leo Max Sam Oscar Finn Hugo Jack Noah Omar Paul Theo Emil Adam Felix Henry Jonas Milo Peter".split()
GIRL_FRIENDS = "Vera Tilda Martha Pia Olga Wanda Frida Berta Kira Dora".split()
BOY_FRIENDS = "Albert Boris Carl Dario Edgar Fred Gustav Ivan Walter Victor".split()
"""Names that only a hero's friend has: a small model that may give both the same name does."""
ANIMALS = (
    "fox rabbit bear owl mouse frog cat dog duck turtle squirrel hedgehog pony goat lamb badger beaver otter crow deer "
    "donkey dragon elephant horse snail hen lion monkey mole penguin pig seal sheep swan tiger wolf"
).split()
FOLK = "robot knight wizard farmer baker dwarf pirate painter gardener".split()
TRAITS = "little brave kind curious quiet clever cheerful gentle careful young shy patient".split()
COLOURS = "red blue green yellow white black orange purple brown pink grey golden silver".split()
FOODS = "bread soup cake apples pears honey cheese rice pancakes berries cookies nuts plums porridge carrots".split()
THINGS_TO_COUNT = "apples coins books balls stones flowers eggs shells cookies cups pears stamps cards pencils".split()
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = "January February March April May June July August September October November December".split()
SEASONS = ("spring", "summer", "autumn", "winter")
NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()


def a(noun: str) -> str:
    """Return the noun with its indefinite article: ``a fox``, ``an owl``."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def capital(sentence: str) -> str:
    """Return the sentence with its first letter in upper case, the rest untouched."""
    return sentence[:1].upper() + sentence[1:]


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return the words as a list in a sentence: ``red, blue and green``."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]


def invented_name(rng: Random) -> str:
    """Return a name that nobody has heard of, so that copying is learnt and not only names."""
    syllables = [
        rng.choice("bdfgklmnprstvwz") + rng.choice("aeiou") + rng.choice(("", "", "n", "r", "l")) for _ in "12"
    ]
    return capital("".join(syllables))


def leaning(rng: Random, key: str, options: Sequence[_T]) -> _T:
    """Draw one of the options, mostly one of the few that belong to ``key``: so a fox has other friends than an owl.

    Without it every choice would be as likely as any other, and a model's likeliest story would be one and the same.
    """
    if rng.random() < LEANING_SHARE:
        return options[rng.choice(_favourites(key, len(options)))]
    return rng.choice(options)


@cache
def _favourites(key: str, n_options: int) -> tuple[int, ...]:
    return tuple(Random(key).sample(range(n_options), min(FAVOURITES, n_options)))
