"""Plain llama.cpp computes on software Vulkan, the same each time: the ground that the other gates stand on."""

from pathlib import Path

import numpy as np
import pytest

from fakes.llama_models import open_context
from fakes.paged_runs import prefill
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from vulkan.devices import gates_device
from vulkan.plain_device_runs import plain_device_context, prompt_and_answer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("vulkan") / "model.gguf", TinyArchitecture.QWEN3MOE)


def test_every_layer_lies_on_the_device(model: Path) -> None:
    name = gates_device().name
    with plain_device_context(model) as run:
        assert any("offloaded 4/4 layers to GPU" in line for line in run.log), run.log
        assert any(f"{name} model buffer size" in line for line in run.log), run.log
        assert any(f"{name} KV buffer size" in line for line in run.log), run.log


def test_a_prompt_and_an_answer_have_the_same_logits_each_time(model: Path) -> None:
    with plain_device_context(model) as run:
        first = prompt_and_answer(run.context)
    with plain_device_context(model) as run:
        second = prompt_and_answer(run.context)
    assert np.isfinite(first).all()
    assert first.std(axis=0).max() > 0
    assert np.array_equal(first, second)


def test_the_device_computes_what_the_processor_computes_but_for_rounding(model: Path) -> None:
    # The median: where two experts are nearly as good, rounding chooses, and that token's logits are others.
    with plain_device_context(model) as run:
        on_device = prefill(run.context)
    with open_context(model, n_batch=64) as context:
        on_processor = prefill(context)
    assert not np.array_equal(on_device, on_processor)
    assert np.median(np.abs(on_device - on_processor)) < 0.1 * on_processor.std()
