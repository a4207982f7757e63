"""Recall of the simplest forecasts, on traces worked out by hand."""

import numpy as np
import pytest

from fakes.routing_traces import decode_step, tokens_of
from offload.routing.route_trace import UNKNOWN, Phase
from offload.routing.simple_recall import previous_layer_recall, previous_path_recall, token_table_recall


def test_the_previous_path_is_what_the_token_before_used() -> None:
    tokens = tokens_of([decode_step([0, 1], [0, 1]), decode_step([1, 2], [4, 5]), decode_step([2, 1], [5, 6])])
    assert previous_path_recall(tokens, decode_only=True).tolist() == [3 / 4, 1 / 4]


def test_the_previous_path_is_of_the_same_sequence() -> None:
    tokens = tokens_of([decode_step([0, 1]), decode_step([2, 3], sequence=1), decode_step([0, 1])])
    assert previous_path_recall(tokens, decode_only=True).tolist() == [1.0]


def test_the_previous_path_of_prompts_counts_where_it_is_asked_for() -> None:
    steps = [decode_step([0, 1], phase=Phase.PREFILL), decode_step([0, 1], phase=Phase.PREFILL), decode_step([2, 3])]
    assert previous_path_recall(tokens_of(steps), decode_only=True).tolist() == [0.0]
    assert previous_path_recall(tokens_of(steps), decode_only=False).tolist() == [0.5]


def test_a_token_after_an_unknown_one_is_left_out() -> None:
    tokens = tokens_of([decode_step([UNKNOWN] * 2), decode_step([0, 1]), decode_step([0, 2])])
    assert previous_path_recall(tokens, decode_only=True).tolist() == [0.5]


def test_a_lone_token_has_no_previous_path() -> None:
    assert np.isnan(previous_path_recall(tokens_of([decode_step([0, 1])]), decode_only=True)).all()


def test_the_token_table_names_what_its_id_used_before() -> None:
    steps = [decode_step([0, 1], token=7), decode_step([2, 3], token=8), decode_step([1, 2], token=7)]
    recall, seen = token_table_recall(tokens_of(steps))
    assert recall.tolist() == [1 / 6]
    assert seen == pytest.approx(1 / 3)


def test_the_token_table_names_the_most_often_seen_and_of_equals_the_last() -> None:
    seen = [decode_step([0, 1], token=7), decode_step([0, 2], token=7), decode_step([3, 0], token=7)]
    hits = [
        token_table_recall(tokens_of([*seen, decode_step([0, expert], token=7)]))[0][0] * 8 for expert in (1, 2, 3, 4)
    ]
    # 0 was right in all but the first token; then 3, seen last, is named beside it.
    assert hits == pytest.approx([3, 3, 4, 3])


def test_the_token_table_leaves_unknown_ids_out() -> None:
    steps = [decode_step([0, 1], token=7), decode_step([0, 1]), decode_step([0, 1], token=7)]
    recall, seen = token_table_recall(tokens_of(steps))
    assert (recall.tolist(), seen) == ([0.5], 0.5)


def test_without_ids_there_is_no_token_table() -> None:
    recall, seen = token_table_recall(tokens_of([decode_step([0, 1])] * 3))
    assert np.isnan(recall).all()
    assert seen is None


def test_unknown_routes_are_not_forecast() -> None:
    steps = [decode_step([0, 1], token=7), decode_step([UNKNOWN] * 2, token=7), decode_step([1, 0], token=7)]
    recall, _ = token_table_recall(tokens_of(steps))
    assert recall.tolist() == [0.5]


def test_the_layer_before_names_what_was_seen_with_its_experts() -> None:
    steps = [decode_step([0, 1], [4, 5]), decode_step([2, 3], [6, 7]), decode_step([1, 0], [4, 6])]
    recall = previous_layer_recall(tokens_of(steps))
    assert np.isnan(recall[0])
    assert recall[1] == pytest.approx(1 / 6)


def test_the_layer_before_names_the_most_often_seen() -> None:
    steps = [decode_step([0], [4]), decode_step([0], [5]), decode_step([0], [5]), decode_step([0], [5])]
    assert previous_layer_recall(tokens_of(steps))[1] == pytest.approx(1 / 4)


def test_an_unknown_layer_before_forecasts_nothing() -> None:
    steps = [decode_step([UNKNOWN] * 2, [4, 5])] * 3
    assert previous_layer_recall(tokens_of(steps))[1] == 0.0


def test_many_layers_at_once_are_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    steps = [decode_step(*(random.permutation(8)[:2].tolist() for _ in range(7))) for _ in range(40)]
    together = previous_layer_recall(tokens_of(steps))
    monkeypatch.setattr("offload.routing.simple_recall._TABLE_CELLS", 9 * 9 * 2)
    assert np.array_equal(previous_layer_recall(tokens_of(steps)), together, equal_nan=True)
