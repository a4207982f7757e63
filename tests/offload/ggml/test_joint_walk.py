"""Graphs of several contexts walked together: one placement for all, routes told of each, answers as alone."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.devices import stand_in
from fakes.paged_runs import ANSWER, PROMPT, gguf_model, paged_context, plain_context, prompt_and_answer
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.errors import ExpertReadError
from offload.experts.placement import Placed
from offload.llama.context import LlamaContext
from offload.lockstep import Lockstep
from offload.paged_model import PagedModel


class Watching:
    """Observes routes, and hears what the placer is asked for."""

    reads_gates = True

    def __init__(self, paged: PagedModel) -> None:
        self.told: list[tuple[int, int]] = []
        self.placed: list[tuple[int, int, int]] = []
        self._place = paged.placer.place
        paged.placer.place = self.place  # type: ignore[method-assign]
        paged.weights.observers.append(self)

    def routed(
        self,
        layer: int,
        experts: NDArray[np.int32],
        weights: NDArray[np.float32] | None,
        inputs: NDArray[np.float32] | None,
    ) -> None:
        assert weights is not None
        assert inputs is not None
        self.told.append((layer, len(experts)))

    def place(self, layer: int, routed: NDArray[np.int32], kinds: Sequence[str], *, n_graphs: int = 1) -> Placed:
        if "down" not in kinds:
            self.placed.append((layer, len(routed), n_graphs))
        return self._place(layer, routed, kinds, n_graphs=n_graphs)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=16)


def run_together(paged: PagedModel, works: list[tuple[LlamaContext, list[list[int]]]]) -> list[list[object]]:
    """Compute batches in as many contexts as `works` has; return each one's logits or error, batch by batch."""
    lockstep = Lockstep(paged.weights.compute_together, len(works), one_backend=not paged.is_on_device)
    found: list[list[object]] = [[] for _ in works]

    def run(number: int, context: LlamaContext, batches: list[list[int]]) -> None:
        lockstep.enter(number)
        for batch in batches:
            try:
                context.decode(batch, position=context.n_past)
                found[number].append(context.logits().copy())
            except ExpertReadError as error:
                found[number].append(error)
        lockstep.leave()

    with paged.parked(lockstep.park, lockstep.take_error, [context for context, _ in works]):
        threads = [threading.Thread(target=run, args=(number, *work)) for number, work in enumerate(works)]
        for thread in threads:
            thread.start()
        while lockstep.step():
            pass
        for thread in threads:
            thread.join()
    return found


def another_context(paged: PagedModel) -> LlamaContext:
    return LlamaContext.open(paged.model, n_ctx=256, n_batch=len(PROMPT), n_ubatch=16, n_threads=1)


BATCHES = [PROMPT[:9], *([token] for token in ANSWER[:4])]
OTHERS = [PROMPT[9:12], PROMPT[12:29], *([token] for token in ANSWER[4:6])]


@pytest.mark.parametrize("staged", [False, True], ids=["slots", "staged"])
def test_each_context_computes_what_it_computes_alone(path: Path, staged: bool) -> None:
    stored = gguf_model(path)
    n_slots = 4 if staged else 16
    expected = []
    for batches in (BATCHES, OTHERS):
        with paged_context(stored, 16, staged=False) as (_, context):
            logits = []
            for batch in batches:
                context.decode(batch, position=context.n_past)
                logits.append(context.logits().copy())
            expected.append(logits)
    with paged_context(stored, n_slots, staged=staged) as (paged, context), another_context(paged) as other:
        found = run_together(paged, [(context, BATCHES), (other, OTHERS)])
    for one, alone in zip(found, expected, strict=True):
        assert np.array_equal(np.array(one), np.array(alone))


@pytest.mark.parametrize("on_cpu", [None, 0.0], ids=["copied", "either"])
def test_on_a_device_each_context_computes_what_it_computes_alone(path: Path, on_cpu: float | None) -> None:
    stored = gguf_model(path)
    share = stand_in(stored.capacity(6), host_bytes=1 << 20, on_cpu=on_cpu)
    with paged_context(stored, 16, staged=False) as (paged, context), another_context(paged) as other:
        expected = run_together(paged, [(context, BATCHES), (other, OTHERS)])
    with paged_context(stored, 6, device=share) as (paged, context), another_context(paged) as other:
        found = run_together(paged, [(context, BATCHES), (other, OTHERS)])
    for one, alone in zip(found, expected, strict=True):
        assert np.array_equal(np.array(one), np.array(alone))


def test_experts_are_placed_for_all_graphs_and_routes_told_of_each(path: Path) -> None:
    with paged_context(gguf_model(path), 16, staged=False) as (paged, context), another_context(paged) as other:
        watching = Watching(paged)
        run_together(paged, [(context, [PROMPT[:5], [1]]), (other, [[2], [3]])])
    layers = sorted({layer for layer, _ in watching.told})
    *_, last = layers
    assert watching.told[: 2 * len(layers)] == [
        told for layer in layers for told in ((layer, 1 if layer == last else 5), (layer, 1))
    ]
    assert watching.placed[: len(layers)] == [(layer, 2 if layer == last else 6, 2) for layer in layers]
    assert watching.placed[len(layers) :] == [(layer, 2, 2) for layer in layers]


def test_a_context_may_be_used_alone_again(path: Path) -> None:
    stored = gguf_model(path)
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 5) as (paged, context), another_context(paged) as other:
        run_together(paged, [(context, BATCHES), (other, OTHERS)])
        context.clear()
        assert np.array_equal(prompt_and_answer(context), expected)
