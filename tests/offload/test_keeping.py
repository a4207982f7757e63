"""Experts are worth their slots by what followed tokens that were routed alike; learnt while the compute waits."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from offload.keeping import PROMPT_TOKENS, Keeping

LAYERS = (3, 4)
N_EXPERT, K = 8, 2


def routes(*experts: Sequence[int]) -> np.ndarray:
    return np.array(experts, np.int32)


class World:
    """Keeping, and the ranks that it gave."""

    def __init__(self) -> None:
        self.keeping = Keeping(dict.fromkeys(LAYERS, 4), N_EXPERT, K)
        self.ranks: list[tuple[int, Sequence[float]]] = []

    def decode(self, *experts: int) -> None:
        for layer in LAYERS:
            self.keeping.routed(layer, routes(experts), None, None)

    def read(self, layer: int, still_reading: Callable[[], bool] = lambda: True) -> None:
        self.keeping.reading(layer, still_reading, lambda layer, worth: self.ranks.append((layer, worth)))

    def worth_after_reading(self, layer: int) -> Sequence[float]:
        self.read(layer)
        of_layer, worth = self.ranks[-1]
        assert of_layer == layer
        return worth


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_used_often_is_worth_more(world: World) -> None:
    for _ in range(5):
        world.decode(0, 1)
    world.decode(2, 3)
    worth = world.worth_after_reading(3)
    assert min(worth[:4]) > max(worth[4:])


def test_a_prompt_is_learnt_when_the_next_token_is_decoded(world: World) -> None:
    for layer in LAYERS:
        world.keeping.routed(layer, routes(*[(0, 1)] * 10), None, None)
    world.decode(2, 3)
    worth = world.worth_after_reading(3)
    assert min(worth[0], worth[1]) > max(worth[4:])


def test_of_a_long_prompt_only_the_end_is_learnt(world: World) -> None:
    for layer in LAYERS:
        world.keeping.routed(layer, routes(*[(6, 7)] * 5, *[(0, 1)] * PROMPT_TOKENS), None, None)
    world.decode(2, 3)
    worth = world.worth_after_reading(3)
    assert worth[6] == worth[5]


def test_the_last_layer_of_a_prompt_may_have_computed_its_last_token_alone(world: World) -> None:
    world.keeping.routed(3, routes(*[(0, 1)] * 10), None, None)
    world.keeping.routed(4, routes((6, 7)), None, None)
    world.decode(2, 3)
    assert np.isfinite(world.worth_after_reading(4)).all()


def test_what_has_arrived_is_not_waited_for_by_learning(world: World) -> None:
    for _ in range(3):
        world.decode(0, 1)
    world.read(3, still_reading=lambda: False)
    assert world.ranks == []
    assert max(world.keeping.worth(3)) <= 0.0


def test_learning_goes_on_where_it_was_broken_off(world: World) -> None:
    for _ in range(3):
        world.decode(0, 1)
    at_once = World()
    for _ in range(3):
        at_once.decode(0, 1)
    time_left = [True, True, False]
    world.read(3, still_reading=lambda: time_left.pop(0))
    assert world.worth_after_reading(3) == at_once.worth_after_reading(3)


def test_what_was_noted_is_part_of_the_state(world: World) -> None:
    for _ in range(3):
        world.decode(0, 1)
    again = World()
    again.keeping.restore(world.keeping.state())
    assert again.worth_after_reading(3)[0] > 0


def test_notes_do_not_grow_without_bound(world: World) -> None:
    for _ in range(1000):
        world.decode(0, 1)
    world.decode(6, 7)
    seen = 0

    def counted() -> bool:
        nonlocal seen
        seen += 1
        return True

    world.read(3, still_reading=counted)
    assert seen < 200
    assert world.ranks[-1][1][6] > 0
