"""Replay of small traces."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.routing_traces import ListTrace, decode_step, make_header, random_step, tokens_of
from offload.routing.keep_scores import DecayedFrequency
from offload.routing.replay import POLICIES, gather_weights, guarded_hits, replay
from offload.routing.reuse import reuse_curve, stack_distances
from offload.routing.route_trace import UNKNOWN, Phase
from offload.routing.token_routes import gather_routes

CYCLE = [decode_step([token % 3], [token % 2]) for token in range(30)]


def test_lru_the_policies_asked_for_and_belady_stand_side_by_side() -> None:
    figures = replay(tokens_of(CYCLE), (1, 2), ("similar-paths", "decayed-frequency"))
    names = ["lru", "similar-paths", "decayed-frequency", "belady"]
    assert [(item.slots, item.policy) for item in figures] == [(size, name) for size in (1, 2) for name in names]


def test_lru_is_not_shown_twice() -> None:
    assert [item.policy for item in replay(tokens_of(CYCLE), (2,), ("lru",))] == ["lru", "belady"]


def test_the_share_of_the_gap_is_of_hits_between_lru_and_belady() -> None:
    lru, _, best = replay(tokens_of(CYCLE), (2,), ("similar-paths",))
    # The layer that cycles through three: nothing for recency, every other use for who knows the future.
    assert (lru.hits, best.hits) == (28, 28 + 14)
    assert (lru.gap_closed, best.gap_closed) == (0.0, 1.0)


def test_where_lru_is_the_best_there_is_no_gap() -> None:
    assert {item.gap_closed for item in replay(tokens_of(CYCLE), (3,), POLICIES)} == {None}


def test_bytes_are_those_of_each_layer_s_misses() -> None:
    # 30 misses in the first layer, of experts of 4096 bytes, 2 in the second, of 8192; 30 tokens.
    lru = replay(tokens_of(CYCLE), (2,), ("lru",))[0]
    assert lru.bytes_per_token == pytest.approx((30 * 4096 + 2 * 8192) / 30)


def test_a_prompt_warms_the_cache_and_does_not_count() -> None:
    prompt = [decode_step([expert], [expert], phase=Phase.PREFILL) for expert in (0, 1)]
    figures = replay(tokens_of([*prompt, decode_step([0], [1])]), (2,), POLICIES)
    assert {(item.hits, item.accesses) for item in figures} == {(2, 2)}


def test_where_nothing_was_decoded_all_tokens_count() -> None:
    prompt = [decode_step([0], [1], phase=Phase.PREFILL)] * 3
    assert {(item.hits, item.accesses) for item in replay(tokens_of(prompt), (2,), POLICIES)} == {(4, 6)}


def test_unknown_routes_are_no_access() -> None:
    steps = [decode_step([0], [1]), decode_step([0], [UNKNOWN]), decode_step([0], [1])]
    assert {(item.hits, item.accesses) for item in replay(tokens_of(steps), (1,), POLICIES)} == {(3, 5)}


def test_similar_paths_close_most_of_the_gap_where_words_repeat() -> None:
    random = np.random.default_rng(2)
    words = [[(int(a), int(b)) for a, b in random.integers(0, 24, (6, 2)) if a != b] for _ in range(12)]
    text = [token for word in random.integers(0, 12, 150) for token in words[word]]
    steps = [decode_step(token, token[::-1]) for token in text]
    _, similar, _ = replay(tokens_of(steps, n_expert=24), (6,), ("similar-paths",))
    assert similar.gap_closed is not None
    assert similar.gap_closed > 0.3


class Stubborn(DecayedFrequency):
    """Would keep the experts of the highest numbers, whatever is used."""

    def scores(self, layers: slice) -> NDArray[np.float32]:
        scores = super().scores(layers)
        scores[:] = np.arange(scores.shape[1])
        return scores


def test_scores_without_merit_lose_no_more_than_three_tokens_of_hits_to_lru() -> None:
    random = np.random.default_rng(4)
    # Each token's experts are drawn from the 4 used last, seldom from all.
    recent, steps = list(range(16)), []
    for _ in range(600):
        place = int(random.integers(4)) if random.random() < 0.9 else int(random.integers(16))
        recent.insert(0, recent.pop(place))
        steps.append(decode_step(*[recent[:1]] * 4))
    tokens = tokens_of(steps, n_expert=16)
    lru = reuse_curve(stack_distances(tokens.routes, 16), tokens.is_decode, 16).hits()[:, 4].sum()
    hits = guarded_hits(tokens, tokens.is_decode, 4, lambda header: Stubborn(4, 16)).sum()
    assert hits >= lru - 3 * 4


def test_fewer_slots_than_a_token_needs_are_refused() -> None:
    with pytest.raises(ValueError, match="1 slots do not hold the 2 experts"):
        replay(tokens_of([decode_step([0, 1])]), (1,), ("lru",))


def test_weights_are_gathered_token_by_token() -> None:
    header = make_header(3, 8, 2)
    random = np.random.default_rng(3)
    steps = (random_step(header, random, 4, phase=Phase.PREFILL), random_step(header, random))
    weights = gather_weights(ListTrace(header, steps))
    assert weights is not None
    assert weights.shape == gather_routes(ListTrace(header, steps)).routes.shape
    assert steps[1].weights is not None
    assert np.array_equal(weights[:, 4:], steps[1].weights)


def test_a_trace_without_weights_has_none() -> None:
    assert gather_weights(ListTrace(make_header(1, 8, 1, has_weights=False), (decode_step([1]),))) is None
