"""Whether something pays is measured, in turns."""

from collections.abc import Callable

from offload.experts.trial import WINDOW_TOKENS, Trial


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


def test_what_pays_is_done_but_for_a_retry_now_and_then() -> None:
    arms = run(Trial(), 64, lambda on: 0.8 if on else 1.0)
    assert [number for number, is_on in enumerate(arms[6:]) if not is_on] == [7, 23, 55]


def test_what_costs_is_switched_off_but_for_a_retry_now_and_then() -> None:
    trial = Trial()
    arms = run(trial, 64, lambda on: 1.1 if on else 1.0)
    assert [number for number, is_on in enumerate(arms[6:]) if is_on] == [7, 23, 55]
    assert not trial.pays


def test_the_first_windows_are_not_counted() -> None:
    trial = Trial()
    run(trial, 2, lambda on: 9.0 if on else 1.0)
    run(trial, 4, lambda on: 0.5 if on else 1.0)
    assert trial.gain is not None
    assert abs(trial.gain - 2.0) < 1e-9


def test_the_gain_is_the_ratio_of_the_times() -> None:
    trial = Trial()
    run(trial, 8, lambda on: 0.5 if on else 1.0)
    assert trial.gain is not None
    assert abs(trial.gain - 2.0) < 1e-9


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
