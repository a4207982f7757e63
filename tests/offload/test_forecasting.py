"""Forecasts are made while reads are waited for, of layers as they become known, and read ahead."""

import numpy as np
import pytest
from numpy.typing import NDArray

from offload.experts.prefetch_ledger import PrefetchCounts
from offload.experts.trial import WINDOW_TOKENS
from offload.forecasting import Forecasting
from offload.routing.blend import Blend
from offload.routing.report_card import ReportCard

LAYERS = (2, 3, 5)
N_EXPERT, K = 4, 1


class Told:
    """A forecaster that notes what it is told, and takes the last routed expert for the likeliest."""

    name = "told"
    gives_probabilities = False

    def __init__(self) -> None:
        self.heard: list[object] = []
        self._last = 0

    def begin(self, token: int) -> None:
        self.heard.append(("begin", token))

    def routed(self, layer: int, experts: NDArray[np.int32], weights: object, inputs: object) -> None:
        self.heard.append(("routed", layer, experts.tolist()))
        self._last = int(experts[0])

    def scores(self, layer: int) -> NDArray[np.float32]:
        return np.asarray(np.eye(N_EXPERT, dtype=np.float32)[self._last])

    def forget(self) -> None:
        self.heard.append("forget")


class Offers:
    """In place of the prefetcher: notes what it is offered."""

    def __init__(self) -> None:
        self.made: list[tuple[int, int]] = []
        self.known: list[tuple[int, list[int]]] = []
        self.n_tokens = 0
        self.is_settled = True
        self.read_seconds = 1.0

    def offer(self, layer: int, probabilities: NDArray[np.float32], lead: int) -> int:
        self.made.append((layer, lead))
        return 0

    def routed(self, layer: int, experts: list[int]) -> None:
        self.known.append((layer, experts))

    def token_done(self, seconds: float) -> None:
        self.n_tokens += 1


class World:
    """Forecasting of three layers, with what it drives."""

    def __init__(self) -> None:
        self.told, self.offers = Told(), Offers()
        card = ReportCard(len(LAYERS), N_EXPERT, K)
        blend = Blend((self.told,), len(LAYERS), N_EXPERT, K)
        self.forecasting = Forecasting(blend, self.offers, LAYERS, card)  # type: ignore[arg-type]

    def route(self, layer: int, expert: int, *, reads: bool) -> None:
        self.forecasting.routed(layer, np.array([[expert]], np.int32), None, None)
        if reads:
            self.forecasting.reading(layer)

    def token(self, *, reads: bool = True, token: int = 7) -> None:
        self.forecasting.begin(token)
        for layer in LAYERS:
            self.route(layer, 1, reads=reads)


@pytest.fixture
def world() -> World:
    return World()


def test_the_next_layer_is_offered_while_one_is_read(world: World) -> None:
    world.forecasting.begin(7)
    world.route(2, 1, reads=True)
    assert world.offers.made == [(3, 1)]


def test_after_the_last_layer_there_is_nothing_to_offer(world: World) -> None:
    world.forecasting.begin(7)
    world.route(5, 1, reads=True)
    assert world.offers.made == []


def test_layers_that_waited_for_nothing_are_learnt_of_at_the_next_wait(world: World) -> None:
    world.forecasting.begin(7)
    world.route(2, 1, reads=False)
    assert world.told.heard == []
    world.route(3, 2, reads=True)
    assert world.told.heard == [("begin", 7), ("routed", 0, [1]), ("routed", 1, [2])]


def test_where_nothing_is_read_nothing_is_forecast(world: World) -> None:
    for _ in range(3):
        world.token(reads=False)
    assert world.told.heard == []
    assert world.offers.made == []


def test_true_routes_are_told_to_the_prefetcher_at_once(world: World) -> None:
    world.forecasting.begin(7)
    world.route(2, 1, reads=False)
    assert world.offers.known == [(2, [1])]


def test_a_prompt_is_not_forecast(world: World) -> None:
    world.token()
    world.offers.made.clear()
    world.forecasting.interrupted()
    world.forecasting.routed(2, np.zeros((9, K), np.int32), None, None)
    world.forecasting.reading(2)
    assert world.offers.made == []
    assert world.told.heard[-1] == "forget"


def test_windows_without_it_take_turns_with_windows_with_it(world: World) -> None:
    offered = []
    for _ in range(4 * WINDOW_TOKENS):
        world.offers.made.clear()
        world.token()
        offered.append(bool(world.offers.made))
    windows = [set(offered[i + 1 : i + WINDOW_TOKENS]) for i in range(0, len(offered), WINDOW_TOKENS)]
    assert windows == [{True}, {False}, {True}, {False}]


def test_what_is_read_sooner_than_forecast_is_hardly_ever_forecast(world: World) -> None:
    world.token()
    world.offers.made.clear()
    world.offers.read_seconds = 1e-9
    for _ in range(WINDOW_TOKENS - 2):
        world.token()
    assert world.offers.made == []
    world.offers.read_seconds = 1.0
    world.token()
    assert world.offers.made


def test_before_slots_are_full_forecasts_are_not_tried_against_none(world: World) -> None:
    world.offers.is_settled = False
    for _ in range(4 * WINDOW_TOKENS):
        world.token()
        assert world.forecasting.is_on


def test_without_it_nothing_is_noted_and_no_gates_are_read(world: World) -> None:
    with_it = without = 0
    for _ in range(4 * WINDOW_TOKENS):
        world.offers.known.clear()
        world.forecasting.begin(7)
        is_on = world.forecasting.is_on
        assert world.forecasting.reads_gates is is_on
        world.route(2, 1, reads=False)
        assert bool(world.offers.known) is is_on
        world.route(5, 1, reads=False)
        with_it, without = with_it + is_on, without + (not is_on)
    assert with_it == without == 2 * WINDOW_TOKENS


def test_what_it_does_is_told_with_what_became_of_the_reads(world: World) -> None:
    for _ in range(33):  # one token of nine is judged
        world.token()
    use = world.forecasting.use(PrefetchCounts(useful_bytes=3, late_bytes=2, wasted_bytes=1))
    assert (use.useful_bytes, use.late_bytes, use.wasted_bytes) == (3, 2, 1)
    recalls = {(score.name, score.lead): score.recall for score in use.scores}
    assert recalls["told", 1] == 1.0
    assert recalls["blend", 1] == 1.0
    assert use.forecast_seconds > 0
