"""Paged experts give plain llama.cpp's logits, bit for bit: architectures x types x stores x capacities x prefills.

Every architecture meets every type and store; capacities and ways of prefill rotate so that each meets every other
value too.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fakes.paged_runs import (
    PROMPT,
    StoredModel,
    gguf_model,
    packed_model,
    paged_context,
    plain_context,
    prompt_and_answer,
)
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.experts.slot_memory import ArenaSlots
from offload.slot_home import paged_tensors

N_EXPERT = 16
N_UBATCH = 16
ARCHITECTURES = [architecture for architecture in TinyArchitecture if architecture.is_moe]
STORES = ("gguf", "packed")
SLOTS = ("floor", "25%", "50%", "75%", "100%")
PREFILLS = ("staged", "unstaged")


class Case(NamedTuple):
    architecture: TinyArchitecture
    types: ExpertTypes
    store: str
    slots: str
    prefill: str

    @property
    def n_expert_used(self) -> int:
        """At 25 % there are more slots than routed experts."""
        return 2 if self.architecture in (TinyArchitecture.QWEN2MOE, TinyArchitecture.DEEPSEEK2) else 3

    @property
    def n_slots(self) -> int:
        return self.n_expert_used if self.slots == "floor" else N_EXPERT * int(self.slots[:-1]) // 100

    @property
    def n_ubatch(self) -> int:
        """Unstaged, a batch is made so small that its routed experts always fit the slots."""
        if self.prefill == "staged" or self.n_slots == N_EXPERT:
            return N_UBATCH
        return max(1, self.n_slots // self.n_expert_used)

    def __str__(self) -> str:
        architecture = self.architecture.name.lower()
        return f"{architecture}-{self.types.name.lower()}-{self.store}-{self.slots}-{self.prefill}"


def cases() -> Iterator[Case]:
    for a, architecture in enumerate(ARCHITECTURES):
        for t, types in enumerate(ExpertTypes):
            for s, store in enumerate(STORES):
                yield Case(architecture, types, store, SLOTS[(a + 2 * t + 3 * s) % 5], PREFILLS[(a + t) % 2])


def stored_model(path: Path, case: Case) -> StoredModel:
    build_tiny_model(
        path, case.architecture, case.types, n_layer=3, n_expert=N_EXPERT, n_expert_used=case.n_expert_used
    )
    return gguf_model(path) if case.store == "gguf" else packed_model(path)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_paged_logits_are_plain_llama_cpps(tmp_path: Path, case: Case) -> None:
    stored = stored_model(tmp_path / "model.gguf", case)
    with plain_context(stored, n_ubatch=case.n_ubatch) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, case.n_slots, staged=case.prefill == "staged", n_ubatch=case.n_ubatch) as (_, context):
        found = prompt_and_answer(context)
    assert np.isfinite(expected).all()
    assert np.array_equal(found, expected)


def test_the_cases_bring_every_two_values_together() -> None:
    axes: list[list[object]] = [ARCHITECTURES, list(ExpertTypes), list(STORES), list(SLOTS), list(PREFILLS)]  # type: ignore[list-item]
    covered = list(cases())
    for one, other in combinations(range(len(axes)), 2):
        assert len({(case[one], case[other]) for case in covered}) == len(axes[one]) * len(axes[other])


@pytest.mark.parametrize("n_expert_used", [1, 4])
@pytest.mark.parametrize("n_slots", [4, 9, 16])
def test_any_number_of_routed_experts(tmp_path: Path, n_expert_used: int, n_slots: int) -> None:
    path = tmp_path / "model.gguf"
    stored = gguf_model(
        build_tiny_model(path, TinyArchitecture.QWEN3MOE, n_expert=N_EXPERT, n_expert_used=n_expert_used)
    )
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, n_slots) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)


@pytest.mark.parametrize("store", ["gguf", "packed interleaved", "packed plain"])
@pytest.mark.parametrize("types", [ExpertTypes.Q4_K, ExpertTypes.MIXED], ids=lambda types: types.name)
def test_a_split_model(tmp_path: Path, store: str, types: ExpertTypes) -> None:
    first = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, types, n_expert=N_EXPERT, split=5)
    stored = gguf_model(first) if store == "gguf" else packed_model(first, layout=store.split()[1])
    assert len(stored.header.files) == 5
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 5) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)


def test_a_packed_plain_store_equals_the_gguf(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.GPT_OSS, ExpertTypes.F16, n_expert=N_EXPERT)
    with plain_context(gguf_model(path)) as context:
        expected = prompt_and_answer(context)
    with paged_context(packed_model(path, layout="plain"), 6) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)


@pytest.mark.parametrize("n_ubatch", [1, 7, 39, 40])
def test_any_physical_batch(tmp_path: Path, n_ubatch: int) -> None:
    path = tmp_path / "model.gguf"
    stored = gguf_model(build_tiny_model(path, TinyArchitecture.DEEPSEEK2_FUSED, n_expert=N_EXPERT))
    assert n_ubatch <= len(PROMPT)
    with plain_context(stored, n_ubatch=n_ubatch) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 4, n_ubatch=n_ubatch) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)


def test_reads_through_the_page_cache(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    stored = gguf_model(build_tiny_model(path, TinyArchitecture.OLMOE, ExpertTypes.Q6_K, n_expert=N_EXPERT))
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    with paged_context(stored, 4, direct_io=False, n_readers=1) as (paged, context):
        assert not paged.direct_io
        assert np.array_equal(prompt_and_answer(context), expected)


def test_the_interleaved_layout_is_compared_where_the_cpu_has_it(tmp_path: Path) -> None:
    """Were every part of every packed store plain, half of the cases would test nothing of their own."""
    path = tmp_path / "model.gguf"
    stored = packed_model(build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, n_expert=N_EXPERT))
    plain = gguf_model(path)
    with plain_context(stored) as one, plain_context(plain) as other:
        differs = not np.array_equal(prompt_and_answer(one), prompt_and_answer(other))
    assert differs == any(tensor.interleaved for tensor in paged_tensors(stored.store, ArenaSlots(stored.store.layers)))
