"""Logits are those of plain llama.cpp, whatever is forecast: nothing, rightly, wrongly, or to do harm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.paged_runs import (
    StoredModel,
    decode,
    gguf_model,
    paged_context,
    plain_context,
    prefill,
    prompt_and_answer,
)
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import forecasting
from offload.experts.trial import Trial
from offload.forecast_wiring import ForecastWiring
from offload.routing.forecaster import Forecaster

N_EXPERT = 16


class Insists:
    """Is certain, always, of what it was made for: all experts, the wrong ones, or numbers that are none."""

    gives_probabilities = True

    def __init__(self, name: str, chances: Sequence[float]) -> None:
        self.name = name
        self._chances = np.array(chances, np.float32)

    def begin(self, token: int) -> None:
        pass

    def routed(self, layer: int, experts: object, weights: object, inputs: object) -> None:
        self._chances = np.roll(self._chances, 1)

    def scores(self, layer: int) -> NDArray[np.float32]:
        return self._chances

    def forget(self) -> None:
        pass


@pytest.fixture
def model(tmp_path: Path) -> StoredModel:
    return gguf_model(
        build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=N_EXPERT)
    )


@pytest.fixture
def always_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading ahead never be switched off: whatever harm a forecast can do, it does."""
    monkeypatch.setattr(Trial, "token", lambda self, seconds: None)
    # However quickly a tiny expert is read.
    monkeypatch.setattr(forecasting, "_LEAST_READ", 0.0)
    monkeypatch.setattr(forecasting, "_JUDGED_ONE_IN", 1)


FORECASTS: dict[str, list[Forecaster]] = {
    "our own": [],
    "all experts": [Insists("all", [1.0] * N_EXPERT)],
    "one after the other": [Insists("one", [1.0] + [0.0] * (N_EXPERT - 1))],
    "no chance": [Insists("none", [0.0] * N_EXPERT)],
}


@pytest.mark.usefixtures("always_on")
@pytest.mark.parametrize("n_slots", [4, 7, 12])
@pytest.mark.parametrize("forecast", FORECASTS)
def test_any_forecast_leaves_every_logit_as_it_is(model: StoredModel, forecast: str, n_slots: int) -> None:
    with plain_context(model) as context:
        plain = prompt_and_answer(context)
    wiring = ForecastWiring(model.header, model.store, model.capacity(n_slots))
    with paged_context(model, n_slots) as (paged, context):
        wiring.attach(paged, context, FORECASTS[forecast])
        forecasted = prompt_and_answer(context)
        use = wiring.use()
    assert use is not None
    assert use.forecast_seconds > 0
    assert np.array_equal(plain, forecasted)


@pytest.mark.usefixtures("always_on")
def test_experts_are_read_ahead_and_used(model: StoredModel) -> None:
    wiring = ForecastWiring(model.header, model.store, model.capacity(6))
    with paged_context(model, 6) as (paged, context):
        wiring.attach(paged, context)
        prompt_and_answer(context)
        use = wiring.use()
    assert use is not None
    assert use.useful_bytes + use.late_bytes > 0
    assert {score.name for score in use.scores} >= {"blend", "token prior", "previous path", "gate ahead"}


def test_once_detached_nothing_is_watched(model: StoredModel) -> None:
    wiring = ForecastWiring(model.header, model.store, model.capacity(6))
    with paged_context(model, 6) as (paged, context):
        wiring.attach(paged, context)
        wiring.detach()
        assert paged.weights.observers == []
        assert context.listeners == []
        prefill(context)
        of_prompt = paged.pager.counts().bytes_prefetched
        decode(context)
        assert paged.pager.counts().bytes_prefetched == of_prompt
    assert wiring.use() is None
