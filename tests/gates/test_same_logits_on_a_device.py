"""Experts on a device, in RAM and on disk give plain llama.cpp's logits, bit for bit; the processor stands in for it.

Every architecture meets every type; sizes of the tiers and ways of prefill rotate so that each meets every other value.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fakes.devices import stand_in
from fakes.paged_runs import gguf_model, packed_model, paged_context, plain_context, prompt_and_answer
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import slot_home

N_EXPERT, N_EXPERT_USED, N_LAYER = 16, 2, 3
ARCHITECTURES = [architecture for architecture in TinyArchitecture if architecture.is_moe]
SLOTS = (N_EXPERT_USED, 5, 11, N_EXPERT)
RAM = ("none", "a third", "all")
PREFILLS = ("staged", "unstaged")
MISSES = ("copied", "either", "computed")
"""What becomes of experts that are not on the device: copied there, computed by the CPU, or whichever is worth it."""


class Case(NamedTuple):
    architecture: TinyArchitecture
    types: ExpertTypes
    n_slots: int
    ram: str
    prefill: str
    misses: str

    @property
    def on_cpu(self) -> float | None:
        return {"copied": None, "either": 0.5, "computed": np.inf}[self.misses]

    @property
    def n_ubatch(self) -> int:
        """Unstaged, a batch is made so small that its routed experts always fit the slots."""
        return 16 if self.prefill == "staged" or self.n_slots == N_EXPERT else max(1, self.n_slots // N_EXPERT_USED)

    def __str__(self) -> str:
        names = self.architecture.name.lower(), self.types.name.lower()
        return f"{'-'.join(names)}-{self.n_slots}-{self.ram.replace(' ', '')}-{self.prefill}-{self.misses}"


def cases() -> Iterator[Case]:
    for a, architecture in enumerate(ARCHITECTURES):
        for t, types in enumerate(ExpertTypes):
            yield Case(
                architecture,
                types,
                SLOTS[(a + t) % 4],
                RAM[(2 * a + t) % 3],
                PREFILLS[(a + t // 2) % 2],
                MISSES[(a + t) % 3],
            )


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_logits_of_three_tiers_are_plain_llama_cpps(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "model.gguf"
    counts = {"n_layer": N_LAYER, "n_expert": N_EXPERT, "n_expert_used": N_EXPERT_USED}
    stored = gguf_model(build_tiny_model(path, case.architecture, case.types, **counts))
    with plain_context(stored, n_ubatch=case.n_ubatch) as context:
        expected = prompt_and_answer(context)
    all_bytes = sum(layout.n_expert * layout.slot_bytes for layout in stored.store.layers.values())
    host_bytes = {"none": 0, "a third": all_bytes // 3, "all": 2 * all_bytes}[case.ram]
    staged = case.prefill == "staged"
    share = stand_in(stored.capacity(case.n_slots), host_bytes=host_bytes, staged=staged, on_cpu=case.on_cpu)
    with paged_context(stored, case.n_slots, staged=staged, n_ubatch=case.n_ubatch, device=share) as (paged, context):
        found = prompt_and_answer(context)
        n_rows = paged.weights.host_rows.n_rows if paged.weights.host_rows is not None else 0
    assert (n_rows > 0) == (case.on_cpu is not None and case.n_slots < N_EXPERT)
    assert np.isfinite(expected).all()
    assert np.array_equal(found, expected)


def test_the_cases_bring_sizes_and_prefills_together() -> None:
    axes: list[tuple[object, ...]] = [tuple(ARCHITECTURES), tuple(ExpertTypes), SLOTS, RAM, PREFILLS, MISSES]
    covered = list(cases())
    for one, other in combinations(range(2, len(axes)), 2):
        assert len({(case[one], case[other]) for case in covered}) == len(axes[one]) * len(axes[other])


def test_experts_of_a_packed_store_reach_a_device_as_the_gguf_has_them(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.OLMOE, ExpertTypes.Q4_0, n_expert=N_EXPERT)
    with plain_context(gguf_model(path)) as context:
        expected = prompt_and_answer(context)
    stored = packed_model(path, layout="plain")
    with paged_context(stored, 6, device=stand_in(stored.capacity(6), host_bytes=1 << 20)) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)


def test_memory_that_comes_in_small_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    stored = gguf_model(build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K, n_expert=N_EXPERT))
    with plain_context(stored) as context:
        expected = prompt_and_answer(context)
    layout = next(iter(stored.store.layers.values()))
    monkeypatch.setattr(slot_home, "most_bytes", lambda device: 20 * max(part.n_bytes for part in layout.parts))
    with paged_context(stored, 5, device=stand_in(stored.capacity(5), host_bytes=1 << 20)) as (paged, context):
        assert np.array_equal(prompt_and_answer(context), expected)
        kinds = [rack.kind for rack in paged.racks]
        assert len(kinds) > len(set(kinds))
