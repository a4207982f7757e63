"""A batch gives every prompt the answer it gets alone: architectures x stores x slots, sampled and greedy.

The prompts differ in length, and so do their answers: prompts and single tokens are computed in one step, and sequences
begin and end at different times.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_needs, engine_parts
from offload.config import BatchPrompt, EngineConfig, GenerationParams, StoreChoice
from offload.engine import Engine, pack_model
from offload.engine_parts import prepare
from offload.llama.library import load
from offload.machine import ResidentMemory

N_EXPERT, N_EXPERT_USED = 16, 2
TEXT = "The answer to the question is in the other one, and the rest of it follows from what was said before."
PROMPTS = [
    BatchPrompt(
        TEXT[3 * number : 3 * number + 9 * (number % 4 + 1)],
        GenerationParams(n_predict=4 + 3 * (number % 3), temperature=0.9 * (number % 2), seed=number, ignore_eos=True),
    )
    for number in range(7)
]


class Case(NamedTuple):
    architecture: TinyArchitecture
    types: ExpertTypes
    packed: bool
    n_slots: int
    n_slots_staged: int | None

    def __str__(self) -> str:
        store = "packed" if self.packed else "gguf"
        staged = f"staged-{self.n_slots_staged}" if self.n_slots_staged else "unstaged"
        return f"{self.architecture.name.lower()}-{self.types.name.lower()}-{store}-{self.n_slots}-{staged}"


CASES = [
    Case(TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, True, 3, None),
    Case(TinyArchitecture.QWEN3MOE, ExpertTypes.MIXED, False, 4, 4),
    Case(TinyArchitecture.QWEN2MOE, ExpertTypes.Q8_0, False, 8, 3),
    Case(TinyArchitecture.OLMOE, ExpertTypes.Q4_K, True, 5, 5),
    Case(TinyArchitecture.MIXTRAL, ExpertTypes.F16, False, 2, None),
    Case(TinyArchitecture.DEEPSEEK2_FUSED, ExpertTypes.Q6_K, True, 7, 2),
    Case(TinyArchitecture.GPT_OSS, ExpertTypes.MXFP4, False, 3, 3),
    Case(TinyArchitecture.GPT_OSS, ExpertTypes.MXFP4, True, N_EXPERT, None),
]


@pytest.fixture(autouse=True)
def _steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine_needs, engine_parts):
        monkeypatch.setattr(module, "resident_memory", lambda: ResidentMemory(200 << 20, 200 << 20))


def opened(path: Path, case: Case, n_parallel: int) -> Engine:
    """Open the model with the same slots, however many sequences there are."""
    store = StoreChoice.AUTO if case.packed else StoreChoice.GGUF
    config = EngineConfig(memory="8G", n_ctx=256, n_batch=32, n_ubatch=16, n_threads=1, store=store)
    prepared = prepare(path, config, n_parallel)
    staged = case.n_slots_staged
    unbounded = staged is not None or case.n_slots == N_EXPERT
    plan = replace(
        prepared.plan,
        capacity=dict.fromkeys(prepared.plan.capacity, case.n_slots),
        staged_capacity=dict.fromkeys(prepared.plan.capacity, staged) if staged is not None else None,
        n_ubatch=config.n_ubatch if unbounded else case.n_slots // N_EXPERT_USED,
    )
    return Engine(replace(prepared, plan=plan), config)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_batch_answers_as_one_by_one(tmp_path: Path, case: Case) -> None:
    load()
    path = build_tiny_model(
        tmp_path / "model.gguf",
        case.architecture,
        case.types,
        n_layer=4,
        n_expert=N_EXPERT,
        n_expert_used=N_EXPERT_USED,
    )
    if case.packed:
        pack_model(path)
    with opened(path, case, 1) as engine:
        alone = list(engine.batch(PROMPTS))
        bytes_alone = engine.stats().paging.bytes_read
    with opened(path, case, 3) as engine:
        together = list(engine.batch(PROMPTS))
        bytes_together = engine.stats().paging.bytes_read
    assert [answer.index for answer in alone] == list(range(len(PROMPTS)))
    assert [answer.n_generated for answer in alone] == [prompt.params.n_predict for prompt in PROMPTS]
    assert together == alone
    assert bytes_together < bytes_alone or case.n_slots == N_EXPERT
