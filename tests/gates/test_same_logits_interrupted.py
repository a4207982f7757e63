"""Paged experts give plain llama.cpp's logits, bit for bit, after a cancel, a change of capacity, and side by side."""

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from fakes.cancelling import Switch, after, answer_cancelled_at_every_token
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
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.config import FinishReason, GenerationParams
from offload.errors import CancelledError
from offload.generation import Generator
from offload.llama.context import LlamaContext

N_EXPERT = 16
N_SLOTS = 5
ARCHITECTURES = [TinyArchitecture.QWEN3MOE, TinyArchitecture.GPT_OSS, TinyArchitecture.DEEPSEEK2_FUSED]


@pytest.fixture(params=ARCHITECTURES, ids=lambda architecture: architecture.name.lower())
def stored(tmp_path: Path, request: pytest.FixtureRequest) -> StoredModel:
    path = build_tiny_model(tmp_path / "model.gguf", request.param, n_expert=N_EXPERT, n_expert_used=2)
    return gguf_model(path)


@pytest.fixture
def expected(stored: StoredModel) -> Logits:
    with plain_context(stored) as context:
        return prompt_and_answer(context)


@pytest.mark.parametrize("n_nodes", [0, 90, 150])
def test_a_prompt_cancelled_between_nodes_is_computed_again(
    stored: StoredModel, expected: Logits, n_nodes: int
) -> None:
    with paged_context(stored, N_SLOTS) as (_, context):
        context.set_abort(after(n_nodes))
        with pytest.raises(CancelledError):
            prefill(context)
        context.set_abort(None)
        assert np.array_equal(prompt_and_answer(context), expected)


@pytest.mark.parametrize("n_layers", [0, 1, 5])
def test_a_prompt_cancelled_before_a_layer_of_experts_is_computed_again(
    stored: StoredModel, expected: Logits, n_layers: int
) -> None:
    switch = Switch()
    with paged_context(stored, N_SLOTS, cancelled=switch) as (_, context):
        switch.cancelled = after(n_layers)
        with pytest.raises(CancelledError):
            prefill(context)
        switch.cancelled = lambda: False
        assert np.array_equal(prompt_and_answer(context), expected)


def test_tokens_cancelled_anywhere_are_computed_again(stored: StoredModel, expected: Logits) -> None:
    switch = Switch()
    with paged_context(stored, N_SLOTS, cancelled=switch) as (_, context):
        found = [prefill(context), *answer_cancelled_at_every_token(context, switch, 2)]
    assert np.array_equal(np.concatenate(found), expected)


def test_a_cancelled_second_prompt_leaves_the_first_usable(stored: StoredModel) -> None:
    """The first part stays in the cache; the second is cancelled and then computed."""
    with plain_context(stored) as context:
        expected = np.concatenate([prefill(context), prefill(context, ANSWER[:33], position=len(PROMPT))])
    with paged_context(stored, N_SLOTS) as (_, context):
        found = prefill(context)
        context.set_abort(after(60))
        with pytest.raises(CancelledError):
            prefill(context, ANSWER[:33], position=len(PROMPT))
        context.set_abort(None)
        assert context.n_past == len(PROMPT)
        found = np.concatenate([found, prefill(context, ANSWER[:33], position=len(PROMPT))])
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "unstaged"])
def test_capacity_may_change_between_tokens(stored: StoredModel, staged: bool) -> None:
    n_ubatch = 16 if staged else 1
    with plain_context(stored, n_ubatch=n_ubatch) as context:
        expected = prompt_and_answer(context)
    capacities = cycle([16, 2, 9, 3, 2, 12])
    with paged_context(stored, N_SLOTS, staged=staged, n_ubatch=n_ubatch) as (paged, context):
        found = [prefill(context)]
        for index, token in enumerate(ANSWER):
            capacity = next(capacities)
            for layer in stored.store.layers:
                paged.pager.set_capacity(layer, capacity)
            found.append(decode(context, [token], position=len(PROMPT) + index))
            resident = [sum(map(bool, paged.pager.states(layer))) for layer in stored.store.layers]
            assert max(resident) <= capacity
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "unstaged"])
def test_slots_may_shrink_below_what_a_batch_was_promised(stored: StoredModel, staged: bool) -> None:
    """The system runs short of memory at any moment; a batch still gets the slots it counts on."""
    ceilings = cycle([16, 2, 4, 2, 9])

    def run(context: LlamaContext, before: Callable[[], None]) -> Logits:
        found = []
        for start in range(0, len(PROMPT), 8):
            before()
            found.append(prefill(context, PROMPT[start : start + 8], position=start))
        for index, token in enumerate(ANSWER):
            before()
            found.append(decode(context, [token], position=len(PROMPT) + index))
        return np.concatenate(found)

    with plain_context(stored, n_ubatch=4) as context:
        expected = run(context, lambda: None)
    with paged_context(stored, 8, staged=staged, n_ubatch=4) as (paged, context):

        def shrink() -> None:
            for layer in stored.store.layers:
                paged.pager.set_ceiling(layer, next(ceilings))

        assert np.array_equal(run(context, shrink), expected)


@pytest.mark.parametrize(("n_tokens", "n_questions"), [(0, 0), (0, 40), (0, 150), (1, 0), (5, 1), (9, 2), (9, 5)])
def test_a_cancelled_generation_goes_on_as_if_it_were_not(stored: StoredModel, n_tokens: int, n_questions: int) -> None:
    """Cancelled by whoever is asked first then: the generator, llama.cpp before a node, the pager before a graph."""
    params = GenerationParams(n_predict=24, temperature=0.0, ignore_eos=True)
    with plain_context(stored) as context:
        expected = [token.id for token in Generator(context, context.model.vocab).generate(PROMPT, params)]
    switch = Switch()
    with paged_context(stored, N_SLOTS, cancelled=switch) as (paged, context):
        generator = Generator(context, paged.model.vocab)
        running = generator.generate(PROMPT, params, cancelled=switch)
        tokens = [next(running) for _ in range(n_tokens)]
        switch.cancelled = after(n_questions)
        tokens += running
        assert tokens[-1].finish_reason is FinishReason.CANCELLED
        switch.cancelled = lambda: False
        got = [token.id for token in tokens if token.id >= 0]
        rest = replace(params, n_predict=params.n_predict - len(got))
        got += [token.id for token in generator.generate([*PROMPT, *got], rest)]
    assert got == expected


def test_prompts_and_answers_may_alternate(stored: StoredModel) -> None:
    """Staging begins and ends again and again; batches of one and two tokens are among them."""
    parts = [PROMPT, ANSWER[:1], ANSWER[1:34], ANSWER[34:36], ANSWER[36:37], ANSWER[37:]]

    def run(context: LlamaContext) -> Logits:
        position, found = 0, []
        for part in parts:
            found.append(prefill(context, part, position=position))
            position += len(part)
            found.append(decode(context, part[:3], position=position))
            position += len(part[:3])
        return np.concatenate(found)

    with plain_context(stored) as context:
        expected = run(context)
    with paged_context(stored, N_SLOTS) as (_, context):
        assert np.array_equal(run(context), expected)


def test_two_models_in_one_process(tmp_path: Path, stored: StoredModel, expected: Logits) -> None:
    other = packed_model(
        build_tiny_model(
            tmp_path / "other.gguf", TinyArchitecture.QWEN2MOE, ExpertTypes.Q8_0, n_layer=4, n_expert=8, seed=1
        )
    )
    with plain_context(other) as context:
        expected_of_other = prompt_and_answer(context)
    with paged_context(stored, N_SLOTS) as (_, one):
        with paged_context(other, 3) as (_, two):
            prompts = prefill(one), prefill(two)
            answers: tuple[list[Logits], list[Logits]] = ([], [])
            for index, token in enumerate(ANSWER):
                for context, answer in zip((one, two), answers, strict=True):
                    answer.append(decode(context, [token], position=len(PROMPT) + index))
        found, found_of_other = (
            np.concatenate([prompt, *answer]) for prompt, answer in zip(prompts, answers, strict=True)
        )
        assert np.array_equal(found, expected)
        assert np.array_equal(found_of_other, expected_of_other)
        assert one.remove(len(PROMPT))  # the first model goes on after the other was closed
        assert np.array_equal(decode(one), expected[len(PROMPT) :])


def test_two_contexts_of_one_model(stored: StoredModel, expected: Logits) -> None:
    with (
        paged_context(stored, N_SLOTS) as (paged, one),
        LlamaContext.open(paged.model, n_ctx=256, n_batch=len(PROMPT), n_ubatch=16, n_threads=1) as two,
    ):
        found = [prefill(one), prefill(two)]
        for index, token in enumerate(ANSWER):
            found.append(decode(one, [token], position=len(PROMPT) + index))
            found.append(decode(two, [token], position=len(PROMPT) + index))
    assert np.array_equal(np.concatenate([found[0], *found[2::2]]), expected)
    assert np.array_equal(np.concatenate([found[1], *found[3::2]]), expected)
