"""What forecasting takes, learns and keeps, of a real tiny model."""

from pathlib import Path

import numpy as np
import pytest

from fakes.paged_runs import StoredModel, gguf_model, paged_context, prompt_and_answer
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.experts.slots import SlotState
from offload.forecast_state import load_state, save_state
from offload.forecast_wiring import ForecastWiring, States, forecast_bytes
from offload.route_recorder import trace_header

N_SLOTS = 6


@pytest.fixture
def model(tmp_path: Path) -> StoredModel:
    return gguf_model(
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=16)
    )


def wiring_of(model: StoredModel, states: States | None = None) -> ForecastWiring:
    return ForecastWiring(model.header, model.store, model.capacity(N_SLOTS), states or {})


def learn(model: StoredModel) -> States:
    wiring = wiring_of(model)
    with paged_context(model, N_SLOTS) as (paged, context):
        wiring.attach(paged, context)
        prompt_and_answer(context)
        return wiring.states()


def test_the_warm_set_is_read_before_anything_is_asked_for(model: StoredModel) -> None:
    states = learn(model)
    wiring = wiring_of(model, states)
    with paged_context(model, N_SLOTS) as (paged, context):
        wiring.attach(paged, context)
        wanted = states["warm set"]["experts"].tolist()
        under_way = [paged.pager.states(layer)[expert] for layer, expert in wanted]
        assert len(wanted) == N_SLOTS * len(model.store.layers)
        assert SlotState.FREE not in under_way


def test_what_was_learnt_is_there_again(model: StoredModel) -> None:
    states = learn(model)
    again = wiring_of(model, states).states()
    for name in ("token prior", "similar paths"):
        assert states[name].keys() == again[name].keys()
        assert all(np.array_equal(states[name][array], again[name][array]) for array in states[name])


def test_all_that_was_learnt_goes_through_a_file(model: StoredModel, tmp_path: Path) -> None:
    states = learn(model)
    header = trace_header(model.header, model.store)
    save_state(header, states, tmp_path / "a.forecast")
    read = load_state(header, tmp_path / "a.forecast")
    assert {name: set(state) for name, state in read.items()} == {name: set(state) for name, state in states.items()}
    assert all(np.array_equal(state[part], read[name][part]) for name, state in states.items() for part in state)
    wiring_of(model, read)


def test_states_of_another_shape_are_refused(model: StoredModel, tmp_path: Path) -> None:
    other = gguf_model(
        build_tiny_model(tmp_path / "other.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=8)
    )
    states = learn(model)
    for name in ("token prior", "similar paths", "warm set"):
        with pytest.raises(ValueError, match=r"."):
            wiring_of(other, {name: states[name]})


def test_forecasts_take_no_more_than_is_planned_for_them(model: StoredModel) -> None:
    wiring = wiring_of(model)
    with paged_context(model, N_SLOTS) as (paged, context):
        wiring.attach(paged, context)
        assert 0 < wiring.n_bytes <= forecast_bytes(model.header, model.store, {})
