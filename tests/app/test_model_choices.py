"""Budget and context of single models, kept and read."""

import pytest

from offload_app.model_choices import (
    MOST_CHOICES,
    ModelChoice,
    ModelChoices,
    choices_from_json,
    choices_to_json,
    is_keepable,
)

SIX = ModelChoice(6 << 30, 8192)


def test_what_was_chosen_is_read_again() -> None:
    choices = ModelChoices().with_choice("/a.gguf", SIX).with_choice("", ModelChoice(n_ctx=2048))
    assert choices_from_json(choices_to_json(choices)) == (choices, True)
    assert choices.of("/a.gguf") == SIX
    assert choices.of("/b.gguf") == ModelChoice()


def test_automatic_is_not_kept() -> None:
    assert ModelChoices().with_choice("/a.gguf", SIX).with_choice("/a.gguf", ModelChoice()) == ModelChoices()


def test_the_oldest_are_forgotten() -> None:
    choices = ModelChoices()
    for n in range(MOST_CHOICES + 1):
        choices = choices.with_choice(f"/{n}.gguf", SIX)
    assert len(choices.items) == MOST_CHOICES
    assert choices.of("/0.gguf") == ModelChoice()
    assert choices.of(f"/{MOST_CHOICES}.gguf") == SIX


@pytest.mark.parametrize(
    "wrong",
    [
        7,
        {"budget_bytes": -1, "n_ctx": 0},
        {"budget_bytes": 1.5, "n_ctx": 0},
        {"budget_bytes": True, "n_ctx": 0},
        {"budget_bytes": 1},
        {"budget_bytes": 1, "n_ctx": 1 << 60},
        {"budget_bytes": 1, "n_ctx": 1, "more": 1},
    ],
)
def test_a_wrong_choice_is_left_out_alone(wrong: object) -> None:
    good = choices_to_json(ModelChoices().with_choice("/a.gguf", SIX))
    read, is_understood = choices_from_json({**good, "/b.gguf": wrong})
    assert read.items == (("/a.gguf", SIX),)
    assert not is_understood


def test_what_is_no_object_holds_none() -> None:
    assert choices_from_json([1]) == (ModelChoices(), False)


@pytest.mark.parametrize(("path", "is_kept"), [("/نموذج.gguf", True), ("/\udcff.gguf", False), ("/a\0b", False)])
def test_only_names_that_a_file_can_hold_are_kept(path: str, is_kept: bool) -> None:
    assert is_keepable(path) is is_kept
    assert (ModelChoices().with_choice(path, SIX) != ModelChoices()) is is_kept
