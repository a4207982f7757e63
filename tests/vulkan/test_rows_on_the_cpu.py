"""Rows of experts that the CPU computes for a device: they depend on the history alone, and differ by rounding only.

The experts are F16, which CPU and device multiply with nearly alike: of other types the CPU rounds the inputs too.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fakes.paged_runs import Logits, StoredModel, gguf_model, plain_context
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from vulkan.paged_device_runs import Tiers, digest, paged_device_context, paged_logits
from vulkan.plain_device_runs import plain_device_context, prompt_and_answer

N_SLOTS = 5
_RUNS = Path(__file__).with_name("paged_device_runs.py")
THRESHOLDS = pytest.mark.parametrize("on_cpu", [np.inf, 0.5], ids=["computed", "either"])


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    path = tmp_path_factory.mktemp("vulkan") / "model.gguf"
    return gguf_model(build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.F16, n_expert=16))


@pytest.fixture(scope="module")
def of_threshold(stored: StoredModel) -> dict[float, Logits]:
    return {on_cpu: paged_logits(stored, Tiers(N_SLOTS, on_cpu=on_cpu)) for on_cpu in (np.inf, 0.5)}


@THRESHOLDS
def test_rows_are_nearer_to_the_device_than_the_cpu_is(
    stored: StoredModel, of_threshold: dict[float, Logits], on_cpu: float
) -> None:
    with plain_device_context(stored.header.files[0]) as run:
        on_device = prompt_and_answer(run.context)
    with plain_context(stored) as context:
        on_processor = prompt_and_answer(context)
    found = of_threshold[on_cpu]
    assert not np.array_equal(found, on_device)
    # A fifth, not merely less: a row that belongs elsewhere moves the logits more than rounding does.
    assert _distance(found, on_device) < 0.2 * _distance(on_processor, on_device)


@THRESHOLDS
def test_what_is_in_ram_and_when_it_comes_changes_nothing(
    stored: StoredModel, of_threshold: dict[float, Logits], on_cpu: float
) -> None:
    with paged_device_context(stored, Tiers(N_SLOTS, ram_share=0.0, n_readers=4, on_cpu=on_cpu)) as (paged, context):
        assert np.array_equal(prompt_and_answer(context), of_threshold[on_cpu])
        assert paged.weights.host_rows is not None
        assert paged.weights.host_rows.n_rows > 0


def test_another_process_computes_the_same(stored: StoredModel, of_threshold: dict[float, Logits]) -> None:
    path = os.pathsep.join((*filter(None, sys.path), str(_RUNS.parent.parent)))
    command = [sys.executable, "-m", "vulkan.paged_device_runs", str(stored.header.files[0])]
    for on_cpu in (0.5, np.inf):
        printed = subprocess.run(
            [*command, "--slots", str(N_SLOTS), "--on-cpu", str(on_cpu)],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        assert printed.strip() == digest(of_threshold[on_cpu])


def _distance(one: Logits, other: Logits) -> float:
    """Return the median, over positions, of the largest difference: where rounding chose another expert all differ."""
    return float(np.median(np.abs(one - other).max(axis=1)))
