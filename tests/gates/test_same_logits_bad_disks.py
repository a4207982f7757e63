"""Paged experts give plain llama.cpp's logits, bit for bit, whenever and however often their bytes are read."""

from pathlib import Path

import numpy as np
import pytest

from fakes.paged_runs import (
    ANSWER,
    PROMPT,
    Logits,
    StoredModel,
    decode,
    gguf_model,
    packed_model,
    paged_context,
    plain_context,
    prefill,
    prompt_and_answer,
)
from fakes.span_sources import BreakableSource, ReorderedSource, StumblingSource, WrongByteSource
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.errors import ExpertReadError
from offload.experts.key import ExpertKey
from offload.experts.span_source import RETRIES, RetryingSource, SpanSource
from offload.experts.store import Span, WeightKind

N_EXPERT = 16
N_SLOTS = 4
N_EXPERT_USED = 3


@pytest.fixture(params=["gguf", "packed"])
def stored(tmp_path: Path, request: pytest.FixtureRequest) -> StoredModel:
    path = tmp_path / "model.gguf"
    build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.MIXED, n_expert=N_EXPERT, n_expert_used=N_EXPERT_USED)
    return gguf_model(path) if request.param == "gguf" else packed_model(path)


@pytest.fixture
def expected(stored: StoredModel) -> Logits:
    with plain_context(stored) as context:
        return prompt_and_answer(context)


class Wrapping:
    """Makes a fake source around the real one, and keeps it for questions."""

    def __init__(self) -> None:
        self.breakable: BreakableSource | None = None
        self.reordered: ReorderedSource | None = None
        self.stumbling: StumblingSource | None = None

    def reorder(self, source: SpanSource) -> SpanSource:
        self.reordered = ReorderedSource(source)
        return self.reordered

    def stumble(self, source: SpanSource) -> SpanSource:
        self.stumbling = StumblingSource(source, n_failures=RETRIES)
        return RetryingSource(self.stumbling)

    def make_breakable(self, source: SpanSource) -> SpanSource:
        self.breakable = BreakableSource(source)
        return self.breakable


def test_reads_that_end_out_of_order(stored: StoredModel, expected: Logits) -> None:
    wrapping = Wrapping()
    with paged_context(stored, N_SLOTS, wrap_source=wrapping.reorder) as (_, context):
        assert np.array_equal(prompt_and_answer(context), expected)
    assert wrapping.reordered is not None
    assert wrapping.reordered.n_overtaken > 50


def test_reads_that_succeed_at_the_last_try(stored: StoredModel, expected: Logits) -> None:
    wrapping = Wrapping()
    with paged_context(stored, N_SLOTS, wrap_source=wrapping.stumble) as (paged, context):
        assert np.array_equal(prompt_and_answer(context), expected)
        assert paged.pager.counts().misses > 0
    assert wrapping.stumbling is not None
    assert wrapping.stumbling.n_failed > 50


@pytest.mark.parametrize("kind", [WeightKind.GATE, WeightKind.UP, WeightKind.DOWN], ids=lambda kind: str(kind.value))
def test_a_wrong_byte_in_any_part_shows(stored: StoredModel, expected: Logits, kind: WeightKind) -> None:
    with paged_context(stored, N_SLOTS, wrap_source=lambda source: WrongByteSource(source, kind)) as (_, context):
        found = prompt_and_answer(context)
    wrong = np.any(found != expected, axis=1)
    assert wrong.sum() > len(wrong) // 2


@pytest.mark.parametrize("kinds", [{WeightKind.GATE}, {WeightKind.DOWN}, set(WeightKind)], ids=["gate", "down", "all"])
def test_decoding_goes_on_after_an_unreadable_expert(
    stored: StoredModel, expected: Logits, kinds: set[WeightKind]
) -> None:
    wrapping = Wrapping()
    with paged_context(stored, N_SLOTS, wrap_source=wrapping.make_breakable) as (_, context):
        source = wrapping.breakable
        assert source is not None
        found = [prefill(context), decode(context, ANSWER[:10])]
        source.broken = lambda span: span.kind in kinds
        n_failures = 0
        position = len(PROMPT) + 10
        while not n_failures:  # until a token needs an expert that is not in a slot
            token = ANSWER[position - len(PROMPT)]
            try:
                context.decode([token], position=position)
            except ExpertReadError:
                n_failures += 1
            else:
                found.append(context.logits().copy()[None])
                position += 1
        with pytest.raises(ExpertReadError):
            decode(context, [token], position=position)
        assert context.n_past == position
        source.broken = lambda span: False
        found.append(decode(context, ANSWER[position - len(PROMPT) :], position=position))
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "unstaged"])
@pytest.mark.parametrize("n_good_reads", [0, 40, 100])
def test_a_prompt_is_computed_again_after_an_unreadable_expert(
    stored: StoredModel, staged: bool, n_good_reads: int
) -> None:
    n_ubatch = 16 if staged else 1
    with plain_context(stored, n_ubatch=n_ubatch) as context:
        expected = prompt_and_answer(context)
    wrapping = Wrapping()
    wrap = wrapping.make_breakable
    with paged_context(stored, N_SLOTS, staged=staged, n_ubatch=n_ubatch, wrap_source=wrap) as (_, context):
        source = wrapping.breakable
        assert source is not None
        seen: list[Span] = []

        def broken(span: Span) -> bool:
            seen.append(span)
            return len(seen) > n_good_reads

        source.broken = broken
        with pytest.raises(ExpertReadError):
            prefill(context)
        assert context.n_past == 0
        source.broken = lambda span: False
        assert np.array_equal(prompt_and_answer(context), expected)


def test_a_failure_of_one_layer_leaves_the_others_usable(stored: StoredModel, expected: Logits) -> None:
    """An expert of the middle layer fails again and again; in between, whole tokens are computed."""
    wrapping = Wrapping()
    offsets = {span.offset for expert in range(0, N_EXPERT, 2) for span in stored.store.spans(ExpertKey(1, expert))}
    with paged_context(stored, N_SLOTS, wrap_source=wrapping.make_breakable) as (_, context):
        source = wrapping.breakable
        assert source is not None
        found = [prefill(context)]
        n_failures = 0
        for index, token in enumerate(ANSWER):
            position = len(PROMPT) + index
            source.broken = lambda span: span.offset in offsets
            try:
                context.decode([token], position=position)
            except ExpertReadError:
                n_failures += 1
                source.broken = lambda span: False
                context.decode([token], position=position)
            found.append(context.logits().copy()[None])
    assert n_failures > 5
    assert np.array_equal(np.concatenate(found), expected)
