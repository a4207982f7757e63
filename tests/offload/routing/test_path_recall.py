"""`path_recalls`, with forecasters that know everything or nothing."""

import numpy as np

from fakes.routing_traces import decode_step, tokens_of
from offload.routing.path_recall import path_recalls
from offload.routing.previous_path import PreviousPath
from offload.routing.token_routes import TokenRoutes

STEPS = [
    decode_step((0, 1), (2, 3), token=7),
    decode_step((0, 1), (2, 4), token=8),
    decode_step((5, 6), (-1, -1), token=7, sequence=1),
]


class Copying:
    """Forecasts that a layer is routed like the last one it was shown."""

    def __init__(self) -> None:
        self.name = "copying"
        self.gives_probabilities = False
        self.calls: list[str] = []
        self._scores: np.ndarray | None = None

    def begin(self, token: int) -> None:
        self.calls.append(f"begin {token}")
        self._scores = None

    def routed(self, layer: int, experts: np.ndarray, weights: object, inputs: object) -> None:
        self.calls.append(f"routed {layer}")
        self._scores = np.zeros(8, np.float32)
        self._scores[experts] = 1.0

    def scores(self, layer: int) -> np.ndarray | None:
        return self._scores

    def forget(self) -> None:
        self.calls.append("forget")


def everything(tokens: TokenRoutes) -> np.ndarray:
    return np.arange(tokens.n_tokens)


def test_a_forecaster_is_driven_as_a_model_would() -> None:
    copying, tokens = Copying(), tokens_of(STEPS)
    path_recalls([copying], tokens, everything(tokens))
    assert copying.calls == [
        *("forget", "begin 7", "routed 0", "routed 1", "begin 8", "routed 0", "routed 1"),
        *("forget", "begin 7", "routed 0"),
    ]


def test_nothing_said_is_nothing_named() -> None:
    tokens = tokens_of(STEPS)
    (recall,) = path_recalls([Copying()], tokens, everything(tokens))
    assert recall.before.tolist() == [0.0, 0.0]


def test_the_share_of_routed_experts_is_counted_before_and_after() -> None:
    tokens = tokens_of([decode_step((0, 1), (0, 3)), decode_step((4, 5), (4, 5))])
    (copying, previous) = path_recalls([Copying(), PreviousPath(2, 8)], tokens, everything(tokens))
    assert copying.after.tolist() == [0.0, 0.75]
    assert (previous.before.tolist(), previous.name) == ([0.0, 0.0], "previous path")


def test_the_previous_path_is_forgotten_between_sequences() -> None:
    tokens = tokens_of(STEPS)
    (recall,) = path_recalls([PreviousPath(2, 8)], tokens, everything(tokens))
    assert recall.before.tolist() == [2 / 6, 1 / 4]


def test_further_ahead_the_first_layers_are_judged_before_compute() -> None:
    tokens = tokens_of([decode_step((0, 1), (2, 3), (0, 1))])
    (recall,) = path_recalls([Copying()], tokens, everything(tokens), distance=2)
    assert recall.after.tolist() == [0.0, 0.0, 1.0]


def test_a_layer_that_was_never_recorded_has_no_recall() -> None:
    tokens = tokens_of([decode_step((0, 1), (-1, -1))])
    (recall,) = path_recalls([PreviousPath(2, 8)], tokens, everything(tokens))
    assert np.isnan(recall.before[1])
