"""The demo corpus: seeded, of every domain, and without what is held out."""

import re
from itertools import islice
from random import Random
from typing import NamedTuple

import pytest

from models.demo import corpus
from models.demo.corpus import (
    DOMAINS,
    Turn,
    arithmetic,
    facts,
    held_out,
    product,
    python_functions,
    small_talk,
    stories,
)
from models.demo.corpus.domains import ALWAYS_TRAINED
from models.demo.corpus.story_plots import PLOTS
from models.demo.corpus.story_talk import request
from models.demo.corpus.story_words import PLACES, THINGS
from models.demo.corpus.turns import PREFIXES, SUFFIXES, core, politely
from models.demo.corpus.words import BOYS, GIRLS

TRAINED = [turns for _, turns in islice(corpus.conversations(3), 4000)]


class Pair(NamedTuple):
    x: int
    y: int


@pytest.fixture(scope="module")
def held_out_pair() -> Pair:
    pairs = (Pair(x, y) for x in range(50, 99) for y in range(10, x))
    return next(pair for pair in pairs if corpus.is_held_out(f"What is {pair.x} + {pair.y}?"))


def asked(turns: list[Turn]) -> list[str]:
    return [turn.text for turn in turns if turn.role == "user"]


def test_the_same_seed_gives_the_same_documents() -> None:
    assert list(islice(corpus.documents(7), 200)) == list(islice(corpus.documents(7), 200))


def test_another_seed_gives_other_documents() -> None:
    assert list(islice(corpus.documents(7), 50)) != list(islice(corpus.documents(8), 50))


def test_conversations_alternate_and_end_with_the_assistant() -> None:
    for turns in TRAINED:
        roles = [turn.role for turn in turns if turn.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_only_the_first_turn_is_of_the_system() -> None:
    assert all(turn.role != "system" for turns in TRAINED for turn in turns[1:])


def test_every_domain_is_drawn() -> None:
    assert {domain for domain, _ in islice(corpus.conversations(3), 2000)} == set(DOMAINS)


def test_the_weights_add_up_to_one() -> None:
    assert sum(weight for weight, _ in DOMAINS.values()) == pytest.approx(1)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_a_single_domain_can_be_drawn(domain: str) -> None:
    assert {name for name, _ in islice(corpus.conversations(3, domain=domain), 20)} == {domain}


def test_no_turn_is_empty_or_has_white_space_around_it() -> None:
    assert all(turn.text and turn.text == turn.text.strip() for turns in TRAINED for turn in turns)


def test_no_turn_holds_a_special_token_or_an_open_slot() -> None:
    code = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
    texts = [code.sub("", turn.text) for turns in TRAINED for turn in turns]
    assert not [
        text for text in texts if any(token in text for token in corpus.SPECIAL_TOKENS) or re.search(r"\{\w", text)
    ]


def test_no_held_out_prompt_is_trained() -> None:
    assert not any(corpus.is_held_out(text) for turns in TRAINED for text in asked(turns))


def test_no_held_out_prompt_is_trained_in_another_casing_or_wrapping() -> None:
    trained = {core(text) for turns in TRAINED for text in asked(turns)}
    kept = [turns for _, turns in islice(corpus.conversations(4, held_out=True), 1000)]
    assert not {core(asked(turns)[0]) for turns in kept} & trained


def test_no_trained_text_calculates_with_a_held_out_pair() -> None:
    sums = [sum_ for text in islice(corpus.documents(3), 4000) for sum_ in re.findall(r"\d+ ?[-+×*x] ?\d+", text)]
    large = [sum_ for sum_ in sums if max(map(int, re.findall(r"\d+", sum_))) > held_out.LARGEST_OF_TABLES]
    assert len(large) > 1000
    assert not [sum_ for sum_ in large if corpus.is_held_out(sum_)]


def test_held_out_conversations_begin_with_a_held_out_prompt() -> None:
    for _, turns in islice(corpus.conversations(3, held_out=True), 200):
        assert corpus.is_held_out(asked(turns)[0])


@pytest.mark.parametrize("domain", sorted(ALWAYS_TRAINED))
def test_the_held_out_part_of_a_domain_without_one_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match=domain):
        next(corpus.conversations(1, held_out=True, domain=domain))


def test_a_held_out_pair_of_numbers_is_held_out_in_every_wording(held_out_pair: Pair) -> None:
    x, y = held_out_pair
    assert corpus.is_held_out(f"{y} - {x}")
    assert corpus.is_held_out(f"what is {y} plus {x}?")
    assert corpus.is_held_out(f"Anna has {x} apples and gets {y} more. How many apples does Anna have now?")
    assert corpus.is_held_out(f"Solve these:\n3 + 4\n{x} + {y}")


@pytest.mark.parametrize(
    "wrapped",
    [
        "what is the {}?",
        "WHAT IS THE {}",
        *(p + "What is the {}?" for p in PREFIXES),
        *("What is the {}?" + s for s in SUFFIXES),
    ],
)
def test_wrapping_does_not_change_whether_a_prompt_is_held_out(wrapped: str) -> None:
    words = [f"word{chr(97 + i)}" for i in range(26)]
    assert [corpus.is_held_out(wrapped.format(w)) for w in words] == [
        corpus.is_held_out(f"What is the {w}?") for w in words
    ]


def test_politeness_keeps_the_core_of_a_question() -> None:
    rng = Random(1)
    assert {core(politely(rng, "Which day comes after Friday?")) for _ in range(200)} == {"whichdaycomesafterfriday"}


@pytest.mark.parametrize("relation", [*facts.RELATIONS, facts.OPPOSITE], ids=lambda relation: relation.name)
def test_every_fact_is_trained_in_some_wording_at_least(relation: facts.Relation) -> None:
    for x in relation.table:
        wordings = [facts.ask(relation, x, wording).ask for wording in relation.asks]
        assert sum(not corpus.is_held_out(wording) for wording in wordings) >= 2, x


def test_every_topic_is_trained_in_several_wordings_and_held_out_in_one_at_least() -> None:
    for topic in (*product.TOPICS, *small_talk.IDENTITY):
        assert len([ask for ask in topic.asks if not corpus.is_held_out(ask)]) >= 3, topic.asks[0]
        assert any(map(corpus.is_held_out, topic.asks)), topic.asks[0]


def test_a_wording_asks_for_one_topic_only() -> None:
    wordings = [
        core(ask)
        for topic in (*product.TOPICS, *small_talk.IDENTITY, *small_talk.SMALL_TALK)
        for ask in set(map(core, topic.asks))
    ]
    assert len(wordings) == len(set(wordings))


def test_sums_are_right() -> None:
    rng, total = Random(2), re.compile(r"(\d+) ([-+×]) (\d+) = (\d+)")
    for _ in range(2000):
        for x, sign, y, result in total.findall(arithmetic.question(rng).answer):
            assert {"+": int(x) + int(y), "-": int(x) - int(y), "×": int(x) * int(y)}[sign] == int(result)


def test_the_steps_of_a_sum_lead_to_its_result() -> None:
    rng = Random(2)
    step = re.compile(
        r"Ones: (\d+) ([-+]) (\d+) = (\d+)\..*\nTens: ([-+\d ]+) = (\d+)\.\nSo (\d+) ([-+]) (\d+) = (\d+)\."
    )
    for _ in range(500):
        match = step.fullmatch(arithmetic.steps_question(rng).answer)
        assert match is not None
        tens = sum(int(part.replace(" ", "")) for part in re.findall(r"[-+]? ?\d+", match[5]))
        assert tens == int(match[6])
        assert int(match[6]) * 10 + int(match[4]) % 10 == int(match[10])


def test_no_small_product_leaves_the_small_tables() -> None:
    rng = Random(2)
    factors = re.findall(r"(\d+) × (\d+)", " ".join(arithmetic.question(rng).answer for _ in range(2000)))
    assert factors
    assert max(int(x) for pair in factors for x in pair) <= 10


@pytest.mark.parametrize("function", python_functions.FUNCTIONS, ids=lambda function: function.name)
def test_an_example_of_a_python_function_returns_what_is_said(function: python_functions.Function) -> None:
    namespace: dict[str, object] = {}
    exec(function.code, namespace)
    assert repr(eval(function.call, namespace)) == function.result


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_plot_introduces_the_friend_once(plot: object) -> None:
    sentences = next(p.sentences for p in PLOTS if p is plot)
    assert sum("{fd}" in variants[0] for variants in sentences) == 1
    assert all(("{fd}" in variant) == ("{fd}" in variants[0]) for variants in sentences for variant in variants)


def test_a_story_keeps_to_what_was_asked_for() -> None:
    rng = Random(5)
    for _ in range(300):
        wanted = request(rng)
        told = stories.tell(rng, hero=wanted.hero, place=wanted.place, thing=wanted.thing)
        assert wanted.hero.name in told.text
        assert wanted.hero.kind in told.text
        assert wanted.place is None or wanted.place.name in told.text
        assert wanted.thing is None or wanted.thing.name in told.text


def test_hero_and_friend_have_different_names_and_kinds() -> None:
    rng = Random(5)
    told = [stories.tell(rng) for _ in range(500)]
    assert all(story.hero.name != story.friend.name and story.hero.kind != story.friend.kind for story in told)


def test_names_places_and_things_are_listed_once() -> None:
    for listed in (GIRLS + BOYS, [place.name for place in PLACES], [thing.name for thing in THINGS]):
        assert len(listed) == len(set(listed))
