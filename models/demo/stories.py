"""Short stories of the demo corpus: a hero, a place, a thing, and a plot that keeps them straight."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from models.demo.words import (
    ANIMALS,
    BOYS,
    COLOURS,
    FOLK,
    FOODS,
    GIRLS,
    PLACES,
    SEASONS,
    THINGS,
    TIMES,
    TRAITS,
    WEATHER,
    a,
    capital,
    invented,
)

INVENTED_SHARE = 0.1


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
    place: str
    thing: str
    colour: str
    food: str
    text: str


def pick_hero(rng: Random, *, other_than: str = "", animal: bool | None = None) -> Hero:
    """Draw a child or an animal whose name is not ``other_than``."""
    girl = rng.random() < 0.5
    name = rng.choice([n for n in (GIRLS if girl else BOYS) if n != other_than])
    pronouns = ("she", "her", "her") if girl else ("he", "him", "his")
    is_animal = rng.random() < 0.5 if animal is None else animal
    kind = rng.choice(ANIMALS * 2 + FOLK) if is_animal else ("girl" if girl else "boy")
    if rng.random() < INVENTED_SHARE:
        name = capital(invented(rng))
    if is_animal and rng.random() < INVENTED_SHARE:
        kind = invented(rng)
    return Hero(name, kind, rng.choice(TRAITS), *pronouns)


def _opening(rng: Random, h: Hero, place: str) -> str:
    size, home = (
        rng.choice(("small", "little", "old", "warm")),
        rng.choice(("house", "hut", "cottage", "room", "tower")),
    )
    season, weather, time = rng.choice(SEASONS), rng.choice(WEATHER), rng.choice(TIMES)
    return rng.choice(
        (
            f"Once upon a time there was {h.described} named {h.name}. {h.name} lived near the {place}.",
            f"{h.name} was {h.described} who lived close to the {place}.",
            f"One {time} in {season}, {weather}. {h.name}, {h.described}, went to the {place}.",
            f"There was once {h.described} called {h.name}. Every {time}, {h.he} walked to the {place}.",
            f"In a house by the {place} lived {h.described}. {capital(h.his)} name was {h.name}.",
            f"It was {season}, and {weather}. {capital(h.described)} named {h.name} was on the way to the {place}.",
            f"Once upon a time, in {a(size)} {home} by the {place}, there lived {h.described} named {h.name}.",
            f"Long ago, {h.described} lived by the {place}. Everyone called {h.him} {h.name}.",
        )
    )


def _lost(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    where = rng.choice(("under a bush", "behind a stone", "by an old tree", "in the grass", "at the gate"))
    return [
        f"{h.name} had a {thing} and loved it very much.",
        rng.choice((f"One day the {thing} was gone.", f"But one day {h.he} could not find the {thing}.")),
        rng.choice((f'"Where is my {thing}?" cried {h.name}.', f'"Oh no, I lost my {thing}," said {h.name}.')),
        f"{capital(h.he)} looked all around the {place}, but {h.he} did not see it.",
        f"Then {f.name} came by. {f.name} was {f.described}.",
        rng.choice((f'"I will help you," said {f.name}.', f'"Do not be sad. We can look together," said {f.name}.')),
        f"They looked and looked. At last {f.name} found the {thing} {where}.",
        rng.choice((f'"Thank you, {f.name}!" said {h.name}.', f"{h.name} was so happy that {h.he} danced.")),
        f"They went home together and ate {food}.",
    ]


def _gift(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    return [
        f"{h.name} had a good friend, {f.described} named {f.name}.",
        f"It was {f.name}'s birthday, and {h.name} wanted to give {f.him} a present.",
        f"{capital(h.he)} had no money, so {h.he} went to the {place} to think.",
        rng.choice((f"There {h.he} saw a {thing} lying on the ground.", f"An old man there gave {h.him} a {thing}.")),
        rng.choice((f"{h.name} cleaned it until it was shining.", f"{h.name} put it in a small box.")),
        f'In the evening {h.he} brought the {thing} to {f.name}. "This is for you," said {h.name}.',
        rng.choice((f'"It is the best present of all," said {f.name}.', f'{f.name} smiled. "I love it," {f.he} said.')),
        f"Then they ate {food} and sang songs until it was late.",
    ]


def _storm(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    return [
        f"{h.name} was playing with a {thing} when the sky turned dark.",
        rng.choice(("A great storm came.", "Thunder rolled and rain fell hard.", "The wind grew very strong.")),
        f"{h.name} was afraid and did not know where to go.",
        f"Near the {place} {h.he} saw a light. It was the house of {f.name}, {f.described}.",
        rng.choice((f'"Come in quickly," said {f.name}.', f'"You are wet. Come in and get warm," said {f.name}.')),
        f"{capital(f.he)} gave {h.him} {food} and a dry place to sit.",
        "They told each other stories until the storm was over.",
        f'"May I come again?" asked {h.name}. "You are always welcome," said {f.name}.',
        rng.choice((f"So {h.name} left the {thing} there.", f"{h.name} gave {f.him} the {thing} to say thank you.")),
    ]


def _learn(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    skill = rng.choice(("swim", "read", "dance", "sing", "bake", "climb", "paint", "whistle"))
    return [
        f"{h.name} wanted to learn to {skill}, but it was hard.",
        rng.choice((f'"I will never learn it," {h.he} said.', f'"I can not do it," said {h.name}.')),
        f"At the {place} {h.he} met {f.name}, {f.described}.",
        f'"I can {skill}," said {f.name}. "I will show you."',
        f"Every day they met at the {place}. {h.name} tried again and again.",
        rng.choice(("On the first day it went badly. On the last day it went well.", f"Slowly {h.he} got better.")),
        f'After a week {h.name} could {skill}. "You did it!" said {f.name}.',
        f"{capital(f.he)} gave {h.him} a {thing} as a prize, and they ate {food}.",
    ]


def _secret(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    return [
        f"One day {h.name} found a {thing} at the {place}.",
        rng.choice((f"It was not {h.his}, so {h.he} asked whose it was.", f'"Whose {thing} is this?" {h.he} asked.')),
        f"{capital(h.he)} asked the baker, but the baker did not know.",
        f"{capital(h.he)} asked the teacher, but the teacher did not know.",
        f"Then {h.he} met {f.described} who looked sad. It was {f.name}.",
        f'"I lost my {thing}," said {f.name}.',
        f'"Here it is," said {h.name}. {f.name} jumped with joy.',
        rng.choice((f'"You are honest," said {f.name}.', f'"You could have kept it, but you did not," said {f.name}.')),
        f"From that day on they were friends, and they often shared {food}.",
    ]


def _share(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    return [
        f"{h.name} had a basket of {food} and was on the way to the {place}.",
        f"On the road sat {f.name}, {f.described}, who was hungry.",
        rng.choice(
            (f'"Could you give me some {food}?" asked {f.name}.', f'"I have not eaten all day," said {f.name}.')
        ),
        f"At first {h.name} did not want to share. Then {h.he} thought of how it feels to be hungry.",
        f"{capital(h.he)} sat down and gave {f.him} half of the {food}.",
        f'"You are kind," said {f.name}. "Take this {thing}. It will bring you luck."',
        rng.choice((f"{h.name} kept the {thing} for many years.", f"{h.name} put the {thing} next to {h.his} bed.")),
    ]


def _wish(rng: Random, h: Hero, f: Hero, place: str, thing: str, food: str) -> list[str]:
    wish = rng.choice(("to fly over the houses", "to see the sea", "to talk with the wind", "to have a real friend"))
    return [
        f"{h.name} had one wish: {wish}.",
        f"At the {place} {h.he} found an old {thing}. When {h.he} touched it, it began to glow.",
        'A voice said, "You may make one wish."',
        f"Just then {h.name} heard someone cry. It was {f.name}, {f.described}, who was stuck in a hole.",
        rng.choice((f'"I wish that {f.name} were free," said {h.name}.', f'"Please help {f.name}," {h.he} said.')),
        f"The {thing} stopped glowing, and {f.name} was free.",
        f'"You gave your wish away for me," said {f.name}.',
        f"They went home and ate {food}. {h.name} was not sad, because now {h.he} had a friend.",
    ]


_Plot = Callable[[Random, Hero, Hero, str, str, str], list[str]]
_PLOTS: tuple[_Plot, ...] = (_lost, _gift, _storm, _learn, _secret, _share, _wish)
_ENDINGS = (
    "And they lived happily ever after.",
    "It was a very good day.",
    "That night everyone slept well.",
    "A friend is the best thing to have.",
    "Sometimes a small kindness is enough.",
    "And that is the end of the story.",
    "",
    "",
)


def tell(
    rng: Random, *, hero: Hero | None = None, friend: Hero | None = None, place: str = "", thing: str = ""
) -> Story:
    """Write one story; what the caller leaves open is drawn from ``rng``."""
    h = hero or pick_hero(rng)
    f = friend or pick_hero(rng, other_than=h.name)
    where, colour, food = place or rng.choice(PLACES), rng.choice(COLOURS), rng.choice(FOODS)
    what = thing or rng.choice(THINGS)
    sentences = rng.choice(_PLOTS)(rng, h, f, where, f"{colour} {what}", food)
    later = [s.replace(f"{colour} {what}", what) if f" a {colour} {what}" not in s else s for s in sentences]
    text = " ".join(s for s in (_opening(rng, h, where), *later, rng.choice(_ENDINGS)) if s)
    return Story(h, f, where, what, colour, food, text.replace(" a orange", " an orange"))
