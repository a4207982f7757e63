"""`HitCurve`, replayed from routes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fakes.routing_traces import make_header
from offload.fit.estimate import Estimate
from offload.fit.hit_curve import LEAST_TOKENS, HitCurve, curve_of_routes, curve_of_states
from offload.fit.published_curves import CURVES, PublishedCurve, published_curve

SHARES = st.floats(0, 1)


def routes(n_tokens: int = 300, n_layer: int = 3, n_expert: int = 32, n_used: int = 4) -> NDArray[np.int16]:
    """Return routes that favour some experts, as real ones do."""
    random = np.random.default_rng(1)
    weights = 1 / np.arange(1, n_expert + 1)
    drawn = [
        [random.choice(n_expert, n_used, replace=False, p=weights / weights.sum()) for _ in range(n_tokens)]
        for _ in range(n_layer)
    ]
    return np.array(drawn, np.int16)


CURVE = curve_of_routes(routes(), 32, "made up")


@given(SHARES, SHARES)
def test_more_slots_never_hit_less(one: float, other: float) -> None:
    few, many = CURVE.at(min(one, other)), CURVE.at(max(one, other))
    assert few.middle <= many.middle + 1e-9


def test_everything_in_slots_hits_always_and_nothing_never() -> None:
    assert CURVE.at(1.0) == Estimate.exact(1.0)
    assert CURVE.at(0.0) == Estimate.exact(0.0)


def test_the_same_experts_again_and_again_always_hit() -> None:
    same = np.broadcast_to(np.arange(4, dtype=np.int16), (2, 200, 4)).copy()
    assert curve_of_routes(same, 32, "").at(0.25) == Estimate.exact(1.0)


def test_favoured_experts_hit_more_than_the_share_of_slots() -> None:
    assert CURVE.at(0.5).middle > 0.6


@pytest.mark.parametrize("n_expert", [4, 8, 64])
def test_models_of_few_and_of_many_experts_have_a_curve(n_expert: int) -> None:
    curve = curve_of_routes(routes(60, n_expert=n_expert), n_expert, "")
    assert 0 < curve.at(0.9).middle <= 1


@given(st.integers(0, 4096), SHARES)
def test_any_number_of_experts_has_a_published_curve(n_expert: int, share: float) -> None:
    rate = published_curve(n_expert).at(share)
    assert 0 <= rate.low <= rate.middle <= rate.high <= 1


@pytest.mark.parametrize("known", CURVES)
def test_a_known_number_of_experts_has_its_own_published_curve(known: PublishedCurve) -> None:
    curve = published_curve(known.n_expert)
    share, rate = known.curve[3]
    assert curve.at(share).middle == pytest.approx(rate.middle)
    assert curve.source == f"routes of {known.model}"


def test_between_known_numbers_of_experts_lies_between_them() -> None:
    assert (
        published_curve(32).at(0.25).middle < published_curve(64).at(0.25).middle < published_curve(128).at(0.25).middle
    )


def test_another_model_s_curve_is_less_sure_than_its_own() -> None:
    rate, own = published_curve(128).at(0.25), dict(CURVES[-1].curve)[0.25]
    assert rate.low < own.low < own.high < rate.high


def test_kept_routes_make_a_curve_of_the_model_s_own() -> None:
    header = make_header(n_layer=3, n_expert=32, n_expert_used=4)
    kept = routes()
    kept[0, 0] = 32  # an unknown route, as states hold it
    curve = curve_of_states({"similar paths": {"experts": kept}}, header)
    assert curve is not None
    assert curve.source == "this model's last 300 tokens"
    assert curve.at(0.5).middle == pytest.approx(CURVE.at(0.5).middle, abs=0.02)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"similar paths": {}},
        {"similar paths": {"experts": routes(LEAST_TOKENS - 1)}},
        {"similar paths": {"experts": routes(n_layer=2)}},
        {"similar paths": {"experts": routes(n_used=3)}},
        {"similar paths": {"experts": np.zeros(5, np.int16)}},
    ],
)
def test_states_that_say_too_little_make_no_curve(kept: dict[str, dict[str, NDArray[np.int16]]]) -> None:
    assert curve_of_states(kept, make_header(n_layer=3, n_expert=32, n_expert_used=4)) is None


@pytest.mark.parametrize(
    ("shares", "rates"),
    [((), ()), ((0.5, 0.2), (0.1, 0.2)), ((0.5,), (0.1, 0.2)), ((0.5,), (1.5,))],
)
def test_a_curve_of_nonsense_is_refused(shares: tuple[float, ...], rates: tuple[float, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - either of two
        HitCurve(shares, tuple(map(Estimate.exact, rates)), "")
