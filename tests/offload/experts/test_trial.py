"""Whether something pays is measured, in turns."""

from collections.abc import Callable

import pytest

from offload.experts.trial import WINDOW_TOKENS, Trial

OPENING = 5


def run(trial: Trial, n_windows: int, seconds: Callable[[bool], float]) -> list[bool]:
    """Run windows of tokens that take `seconds(is_on)`; return which of them were with it."""
    arms = []
    for _ in range(n_windows):
        arms.append(trial.is_on)
        for _ in range(WINDOW_TOKENS):
            trial.token(seconds(trial.is_on))
    return arms


def test_nothing_is_said_before_both_were_tried() -> None:
    trial = Trial()
    run(trial, 1, lambda on: 1.0)
    assert trial.gain is None
    assert trial.pays


def test_both_are_tried_in_turns_at_first() -> None:
    assert run(Trial(), OPENING, lambda on: 1.0) == [True, False, True, False, True]


def test_what_pays_is_done_but_for_a_retry_now_and_then() -> None:
    arms = run(Trial(), OPENING + 60, lambda on: 0.8 if on else 1.0)[OPENING:]
    assert [number for number, is_on in enumerate(arms) if not is_on] == [7, 23, 55]


def test_what_costs_is_switched_off_but_for_a_retry_now_and_then() -> None:
    trial = Trial()
    arms = run(trial, OPENING + 60, lambda on: 1.1 if on else 1.0)[OPENING:]
    assert [number for number, is_on in enumerate(arms) if is_on] == [7, 23, 55]
    assert not trial.pays


def test_the_gain_is_the_ratio_of_the_times() -> None:
    trial = Trial()
    run(trial, 8, lambda on: 0.5 if on else 1.0)
    assert trial.gain == pytest.approx(2.0)


@pytest.mark.parametrize("drift", [0.99, 1.01])
def test_tokens_that_come_sooner_and_sooner_say_nothing(drift: float) -> None:
    trial = Trial()
    now = 1.0

    def seconds(on: bool) -> float:
        nonlocal now
        now *= drift
        return now

    run(trial, OPENING, seconds)
    assert trial.gain == pytest.approx(1.0)


def test_what_has_come_to_pay_is_taken_up_again() -> None:
    trial = Trial()
    run(trial, 32, lambda on: 1.2 if on else 1.0)
    run(trial, 200, lambda on: 0.7 if on else 1.0)
    assert trial.pays


def test_the_first_token_of_a_window_is_not_counted() -> None:
    trial = Trial()
    for _ in range(8):
        trial.token(100.0 if trial.is_on else 1.0)
        for _ in range(WINDOW_TOKENS - 1):
            trial.token(1.0)
    assert trial.gain == 1.0
