"""Short stories: a hero, a friend, a place, a thing, and a plot in which one thing follows from another.

A plot is a row of sentences, each with its variants; what varies beyond that is in the slots. Names and pronouns agree by
construction: every character has one name, introduced once, and the pronouns that belong to it.
"""

from dataclasses import dataclass, replace
from random import Random

from models.demo.corpus.story_plots import OPENINGS, PLOTS
from models.demo.corpus.story_words import PLACES, SKILLS, THINGS, TIMES, Place, Thing
from models.demo.corpus.words import (
    ANIMALS,
    BOY_FRIENDS,
    BOYS,
    COLOURS,
    FOLK,
    FOODS,
    GIRL_FRIENDS,
    GIRLS,
    TRAITS,
    a,
    capital,
    invented_name,
    leaning,
)

INVENTED_NAME_SHARE = 0.2
CHILD_SHARE = 0.35
PAINTS = tuple(colour for colour in COLOURS if colour not in ("golden", "silver"))


@dataclass(frozen=True, slots=True)
class Hero:
    """Someone a story is about, with the pronouns the text needs."""

    name: str
    kind: str
    trait: str
    he: str
    him: str
    his: str

    @property
    def described(self) -> str:
        """The hero with article and trait, without the name: ``a brave fox``."""
        return a(f"{self.trait} {self.kind}")


@dataclass(frozen=True, slots=True)
class Story:
    """A finished story and the choices it was made of, so that questions about it have answers."""

    hero: Hero
    friend: Hero
    place: Place
    thing: Thing
    colour: str
    moral: str
    text: str


def pick_hero(rng: Random, *, invented: bool = False) -> Hero:
    """Draw a child, an animal or one of the folk; ``invented``: now and then of an unknown name."""
    girl = rng.random() < 0.5
    kind = ("girl" if girl else "boy") if rng.random() < CHILD_SHARE else rng.choice(ANIMALS * 3 + FOLK)
    name = invented_name(rng) if invented and rng.random() < INVENTED_NAME_SHARE else _known_name(rng, kind, girl=girl)
    return _hero(name, kind, leaning(rng, kind, TRAITS), girl=girl)


def pick_friend(rng: Random, hero: Hero) -> Hero:
    """Draw a friend of another name and kind than the hero's; no hero has a friend's name."""
    known_by = hero.name if hero.name in GIRLS + BOYS else hero.kind
    name = leaning(rng, known_by, GIRL_FRIENDS + BOY_FRIENDS)
    girl = name in GIRL_FRIENDS
    child = ("girl" if girl else "boy",) if hero.kind not in ("girl", "boy") else ()
    kind = leaning(rng, hero.kind, [kind for kind in (*child, *ANIMALS, *FOLK) if kind != hero.kind])
    return _hero(name, kind, leaning(rng, kind, TRAITS), girl=girl)


def _hero(name: str, kind: str, trait: str, *, girl: bool) -> Hero:
    return Hero(name, kind, trait, *(("she", "her", "her") if girl else ("he", "him", "his")))


def with_known_name(rng: Random, hero: Hero) -> Hero:
    """Return the hero under one of the names that everybody knows."""
    return replace(hero, name=_known_name(rng, hero.kind, girl=hero.he == "she"))


def _known_name(rng: Random, kind: str, *, girl: bool) -> str:
    names = GIRLS if girl else BOYS
    return rng.choice(names) if kind in ("girl", "boy") else leaning(rng, kind, names)


def tell(rng: Random, *, hero: Hero | None = None, place: Place | None = None, thing: Thing | None = None) -> Story:
    """Write one story; what the caller leaves open is drawn from ``rng``."""
    h = hero or pick_hero(rng)
    f = pick_friend(rng, h)
    what = thing or leaning(rng, h.kind, THINGS)
    where = place or leaning(rng, what.name, PLACES)
    plot = leaning(rng, what.name, [p for p in PLOTS if what.lasting or not p.needs_lasting])
    colour = leaning(rng, what.name, what.colours or PAINTS)
    slots = _slots(rng, h, f, where, what, colour)
    sentences = [rng.choice(OPENINGS), *(rng.choice(variants) for variants in plot.sentences)]
    text = " ".join(sentence.format_map(slots) for sentence in sentences)
    return Story(h, f, where, what, colour if f"{colour} {what.name}" in text else "", plot.moral, text)


def _slots(rng: Random, h: Hero, f: Hero, place: Place, thing: Thing, colour: str) -> dict[str, str]:
    names = {"h": h.name, "f": f.name, "t": thing.name}
    return names | {
        "hd": h.described, "he": h.he, "him": h.him, "his": h.his, "He": capital(h.he), "His": capital(h.his),
        "fd": f.described, "fhe": f.he, "fhim": f.him, "Fhe": capital(f.he),
        "place": place.name, "at": place.at, "At": capital(place.at),
        "by": "by" if place.at.startswith("by ") else "near", "spot": rng.choice(place.spots),
        "at_": a(thing.name), "act": a(f"{colour} {thing.name}"), "ct": f"{colour} {thing.name}", "colour": colour,
        "food": leaning(rng, place.name, FOODS), "skill": rng.choice(SKILLS), "time": rng.choice(TIMES),
        "trouble": thing.trouble.format_map(names), "help": thing.help.format_map(names),
    }  # fmt: skip
