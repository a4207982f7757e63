"""The guard: scores are followed while they beat least recently used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from offload.routing.keep_scores import DecayedFrequency
from offload.routing.lru_guard import LruGuard, keeps

ONE = slice(0, 1)


class Favourites:
    """Scores that never change."""

    def __init__(self, *scores: float) -> None:
        self.given = np.array([scores], np.float32)

    def routed(self, layers: slice, experts: NDArray[Any], weights: NDArray[Any] | None) -> None:
        pass

    def scores(self, layers: slice) -> NDArray[np.float32]:
        return self.given.copy()

    def state(self) -> dict[str, NDArray[Any]]:
        return {"given": self.given}

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        self.given = state["given"]


def run(guard: LruGuard, experts: list[int], *, judged: bool = True) -> list[bool]:
    """Route one-expert tokens; return after each whether the scores are followed."""
    trusted = []
    for expert in experts:
        guard.routed(ONE, np.array([[expert]]), None, judged=judged)
        trusted.append(guard.trusted)
    return trusted


def test_scores_are_followed_at_first() -> None:
    guard = LruGuard(Favourites(3, 2, 1, 0), 4, [2])
    run(guard, [0, 1])
    assert guard.scores(ONE)[0].argsort().tolist() == [3, 2, 1, 0]


def test_of_equal_scores_the_one_used_last_is_kept() -> None:
    guard = LruGuard(Favourites(0, 0, 0, 0), 4, [2])
    run(guard, [2, 0, 3, 1])
    assert guard.scores(ONE)[0].argsort().tolist() == [2, 0, 3, 1]


def test_scores_that_lose_to_recency_are_not_followed() -> None:
    # 0 is kept for ever and never comes back, while 1 and 2 would both fit.
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])
    assert run(guard, [0, 1, 2, 1, 2, 1, 2])[-1] is False
    assert guard.scores(ONE)[0].argsort().tolist()[-2:] == [1, 2]


def test_scores_that_win_again_are_followed_again() -> None:
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])
    run(guard, [0, *[1, 2] * 4])
    # Of a cycle of three recency has nothing; 0 is kept.
    assert run(guard, [0, 1, 2] * 6)[-1] is True


def test_each_loss_of_trust_makes_it_dearer() -> None:
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])

    def tokens_until_trusted() -> int:
        assert not run(guard, [1, 2] * 12)[-1]
        return 1 + run(guard, [0, 1, 2] * 100).index(True)

    run(guard, [0])
    costs = [tokens_until_trusted() for _ in range(5)]
    assert costs == sorted(costs)
    assert costs[-1] >= 4 * costs[0]


def test_hits_that_are_not_judged_cost_no_trust() -> None:
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])
    assert all(run(guard, [0, *[1, 2] * 9], judged=False))


def test_unknown_routes_are_neither_hit_nor_resident() -> None:
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])
    assert all(run(guard, [0, 1, *[-1] * 9]))


def test_it_judges_by_the_number_of_slots_it_is_told() -> None:
    guard = LruGuard(Favourites(9, 0, 0, 0), 4, [2])
    guard.set_slots(0, 3)
    assert all(run(guard, [0, *[1, 2] * 9]))


def test_its_state_is_that_of_the_scores() -> None:
    guard = LruGuard(Favourites(0, 0), 2, [1])
    guard.restore(LruGuard(Favourites(0, 5), 2, [1]).state())
    assert guard.scores(ONE).argmax() == 1


def test_the_used_stay_and_of_the_others_the_best() -> None:
    resident = np.array([[True, True, True, True, False]])
    used = np.array([[False, False, False, True, False]])
    scores = np.array([[1.0, 3.0, 2.0, 0.0, 9.0]])
    assert keeps(resident, used, scores, np.array([[2]])).tolist() == [[False, True, False, True, False]]


def test_of_layers_routed_one_by_one_only_some_are_judged() -> None:
    random = np.random.default_rng(2)
    routes = random.random((6, 60, 8)).argsort(axis=2)[..., :2]
    one_in_three = LruGuard(DecayedFrequency(6, 8), 8, [3] * 6, judged_one_in=3)
    for token in range(60):
        for layer in range(6):
            one_in_three.routed(slice(layer, layer + 1), routes[layer : layer + 1, token], None)
    assert one_in_three._resident[[0, 3]].any(axis=1).all()
    assert not one_in_three._resident[[1, 2, 4, 5]].any()
    assert (one_in_three._last_use[:, :-1].max(axis=1) > 0).all()
