"""Experts on a device, in RAM and on disk give the logits of plain llama.cpp on that device, bit for bit.

Types of experts, sizes of the tiers and ways of prefill rotate, so that every type meets each size.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from fakes.paged_runs import gguf_model
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from vulkan.paged_device_runs import Tiers, paged_logits
from vulkan.plain_device_runs import plain_device_context, prompt_and_answer

N_EXPERT, N_EXPERT_USED = 16, 2
ARCHITECTURES = [architecture for architecture in TinyArchitecture if architecture.is_moe]
TYPES = (ExpertTypes.Q4_K, ExpertTypes.Q8_0, ExpertTypes.F16, ExpertTypes.MXFP4, ExpertTypes.MIXED)
"""Few: a type that is new to the device takes seconds to compile for."""
SLOTS = (N_EXPERT_USED, N_EXPERT // 2, N_EXPERT)
RAM_SHARES = (0.0, 1 / 3, 2.0)


class Case(NamedTuple):
    architecture: TinyArchitecture
    types: ExpertTypes
    n_slots: int
    ram_share: float
    staged: bool

    @property
    def tiers(self) -> Tiers:
        """Unstaged, a batch is made so small that its routed experts always fit the slots."""
        fits = self.staged or self.n_slots == N_EXPERT
        n_ubatch = 16 if fits else self.n_slots // N_EXPERT_USED
        return Tiers(self.n_slots, self.ram_share, self.staged, n_ubatch)

    def __str__(self) -> str:
        names = self.architecture.name.lower(), self.types.name.lower()
        prefill = "staged" if self.staged else "unstaged"
        return f"{'-'.join(names)}-{self.n_slots}-{self.ram_share:.1f}-{prefill}"


def cases() -> Iterator[Case]:
    for a, architecture in enumerate(ARCHITECTURES):
        for s, n_slots in enumerate(SLOTS):
            number = 3 * a + s
            yield Case(architecture, TYPES[number % 5], n_slots, RAM_SHARES[(a + 2 * s) % 3], staged=(a + s) % 2 == 0)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_logits_of_three_tiers_are_plain_llama_cpps_on_the_device(tmp_path: Path, case: Case) -> None:
    build = partial(build_tiny_model, n_expert=N_EXPERT, n_expert_used=N_EXPERT_USED)
    path = build(tmp_path / "model.gguf", case.architecture, case.types)
    with plain_device_context(path, n_ubatch=case.tiers.n_ubatch) as run:
        expected = prompt_and_answer(run.context)
    assert np.isfinite(expected).all()
    assert np.array_equal(paged_logits(gguf_model(path), case.tiers), expected)


def test_the_cases_bring_types_and_sizes_together() -> None:
    covered = list(cases())
    assert {(case.types, case.n_slots) for case in covered} == {(types, slots) for types in TYPES for slots in SLOTS}
    assert {(case.n_slots, case.ram_share) for case in covered} == {(n, share) for n in SLOTS for share in RAM_SHARES}
    assert {(case.n_slots, case.staged) for case in covered} == {(n, staged) for n in SLOTS for staged in (False, True)}
