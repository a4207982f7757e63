"""Contexts whose graphs are walked together on the device compute what plain llama.cpp computes there for each."""

import threading
from pathlib import Path

import numpy as np

from fakes.paged_runs import ANSWER, PROMPT, Logits, gguf_model
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.llama.context import LlamaContext
from offload.lockstep import Lockstep
from vulkan.paged_device_runs import Tiers, paged_device_context
from vulkan.plain_device_runs import plain_device_context

BATCHES = [
    [PROMPT[:9], *([token] for token in ANSWER[:6])],
    [PROMPT[9:12], PROMPT[12:29], *([token] for token in ANSWER[6:9])],
]


def compute(context: LlamaContext, batches: list[list[int]]) -> Logits:
    logits = []
    for batch in batches:
        context.decode(batch, position=context.n_past)
        logits.append(context.logits().copy())
    return np.stack(logits)


def test_each_context_computes_what_it_computes_alone(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=16)
    expected = []
    for batches in BATCHES:
        with plain_device_context(path) as run:
            expected.append(compute(run.context, batches))
    found: list[Logits | None] = [None] * len(BATCHES)
    with paged_device_context(gguf_model(path), Tiers(6, ram_share=0.5)) as (paged, context):
        contexts = [context, LlamaContext.open(paged.model, n_ctx=256, n_batch=40, n_ubatch=16, n_threads=1)]
        lockstep = Lockstep(paged.weights.compute_together, len(contexts), one_backend=False)

        def run_one(number: int) -> None:
            lockstep.enter(number)
            try:
                found[number] = compute(contexts[number], BATCHES[number])
            finally:
                lockstep.leave()

        with paged.parked(lockstep.park, lockstep.take_error, contexts):
            threads = [threading.Thread(target=run_one, args=(number,)) for number in range(len(contexts))]
            for thread in threads:
                thread.start()
            while lockstep.step():
                pass
            for thread in threads:
                thread.join()
    for one, alone in zip(found, expected, strict=True):
        assert one is not None
        assert np.array_equal(one, alone)
