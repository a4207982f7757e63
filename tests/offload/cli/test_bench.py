"""`offload bench`: which runs it does and what it prints of them."""

from collections.abc import Callable
from typing import Any

import pytest

from fakes.engine import FakeEngine

Run = Callable[..., Any]


def test_every_run_has_a_prompt_of_its_own(offload: Run, opened: list[FakeEngine]) -> None:
    offload("bench", "--repeat", "3", "--n-prompt", "40")
    _, *prompts = opened[0].prompts
    assert len({prompt.split()[0] for prompt in prompts}) == 4  # the last is for the best hit rate
    assert [len(prompt.split()) for prompt in prompts] == [40, 40, 40, 40]


def test_decoding_is_greedy_and_ignores_the_end(offload: Run, opened: list[FakeEngine]) -> None:
    offload("bench", "-n", "8")
    params = opened[0].params[-1]
    assert (params.temperature, params.ignore_eos, params.n_predict) == (0.0, True, 8)


def test_decode_counts_nothing_of_the_prefill(offload: Run) -> None:
    summary = offload("bench", "-n", "8", "--json").json
    # The fake engine reads 1000 bytes for a prompt and 100 for a token.
    assert [run["prefill"]["bytes_read"] for run in summary["runs"]] == [1000] * 3
    assert summary["report"]["bytes_per_token"] == pytest.approx(100)


def test_the_report_names_the_bound_and_the_share_reached(offload: Run) -> None:
    out = offload("bench").out
    assert "tokens/s   (compute bound, all experts resident); reached 80%" in out
    assert "hit rate      75.0%   (at best 87.5%)" in out
