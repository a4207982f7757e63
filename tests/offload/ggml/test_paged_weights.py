"""Paged weights, with a provider that has everything: slot numbers, staging, errors, and what opening refuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fakes.paged_runs import ANSWER, PROMPT, Logits, decode, gguf_model, plain_context, prefill, prompt_and_answer
from fakes.resident_experts import ResidentExperts
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.errors import AbiError, CancelledError, DecodeError, ExpertReadError, OffloadError
from offload.ggml.device import pager_device
from offload.ggml.interleave import Interleaver
from offload.ggml.paged_weights import PagedTensor, PagedWeights
from offload.gguf_types import GgmlType
from offload.llama.context import LlamaContext
from offload.llama.library import load
from offload.llama.model import BufferOverride, LlamaModel
from offload.paged_model import dense_overrides


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_K)


@pytest.fixture
def expected(path: Path) -> Logits:
    with plain_context(gguf_model(path)) as context:
        return prompt_and_answer(context)


@contextmanager
def opened_weights(
    experts: ResidentExperts,
    tensors: list[PagedTensor] | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[PagedWeights, LlamaModel]]:
    """Open the model over these weights, as `paged_model` does; close everything."""
    load()
    weights = PagedWeights(
        experts.tensors if tensors is None else tensors,
        cancelled=cancelled,
    )
    buffer_type = pager_device().attach(weights)
    try:
        names = BufferOverride(r"_exps\.weight$", buffer_type)
        try:
            model = LlamaModel.open(experts.header.files[0], overrides=[names, *dense_overrides(experts.header)])
        except OffloadError as error:
            raise weights.take_error() or error from None
        with model:
            model.opening_context = partial(pager_device().serving, weights)
            weights.opened()
            experts.fill()
            weights.provider = experts
            yield weights, model
    finally:
        pager_device().detach(buffer_type)
        weights.close()
        experts.close()


@contextmanager
def opened_context(experts: ResidentExperts) -> Iterator[LlamaContext]:
    with opened_weights(experts) as (weights, model), context_on(weights, model) as context:
        yield context


@contextmanager
def context_on(weights: PagedWeights, model: LlamaModel) -> Iterator[LlamaContext]:
    with LlamaContext.open(model, n_ctx=256, n_batch=len(PROMPT), n_ubatch=16, n_threads=1) as context:
        context.pending_error = weights.take_error
        yield context


@pytest.mark.parametrize("phase", [0, 32, 2304])
@pytest.mark.parametrize("racked", [False, True], ids=["slots", "rack"])
def test_experts_are_computed_with_wherever_they_lie(path: Path, expected: Logits, phase: int, racked: bool) -> None:
    experts = ResidentExperts(path, phase=phase)
    experts.racked = racked
    with opened_context(experts) as context:
        assert np.array_equal(prompt_and_answer(context), expected)


def test_slots_and_racks_may_alternate(path: Path, expected: Logits) -> None:
    """The nodes get back what they pointed at: llama.cpp uses the same graph for token after token."""
    experts = ResidentExperts(path)
    with opened_context(experts) as context:
        found = [prefill(context)]
        for index, token in enumerate(ANSWER):
            experts.racked = index % 3 == 1
            found.append(decode(context, [token], position=len(PROMPT) + index))
    assert np.array_equal(np.concatenate(found), expected)


def test_the_provider_is_asked_for_gate_and_up_and_then_for_down(path: Path) -> None:
    experts = ResidentExperts(path)
    experts.racked = True
    with opened_context(experts) as context:
        context.decode(PROMPT[:5], position=0, logits="all")
    gate_and_up = [(layer, shape, set(kinds)) for layer, shape, kinds in experts.asked[::2]]
    down = experts.asked[1::2]
    assert gate_and_up == [(layer, (5, 2), {"gate", "up"}) for layer in range(3)]
    assert down == [(layer, (5, 2), ("down",)) for layer in range(3)]


def test_the_provider_is_not_asked_for_what_has_arrived(path: Path) -> None:
    experts = ResidentExperts(path)
    with opened_context(experts) as context:
        context.decode(PROMPT[:5], position=0, logits="all")
    assert [(layer, set(kinds)) for layer, _, kinds in experts.asked] == [(n, {"gate", "up"}) for n in range(3)]


def test_nothing_is_read_while_loading(path: Path) -> None:
    experts = ResidentExperts(path)
    seen: list[bool] = []
    fill = experts.fill

    def fill_and_look() -> None:
        seen.append(experts.untouched)
        fill()

    experts.fill = fill_and_look  # type: ignore[method-assign]
    with opened_weights(experts):
        assert seen == [True]


@pytest.mark.parametrize(
    "error",
    [ExpertReadError("no answer", file="disk", offset=7), ValueError("wrong"), KeyboardInterrupt(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("when", ["place", "computed"])
def test_what_the_provider_raises_comes_out_of_decode(
    path: Path, expected: Logits, error: BaseException, when: str
) -> None:
    experts = ResidentExperts(path)
    with opened_context(experts) as context:
        found = [prefill(context)]
        setattr(experts, "error" if when == "place" else "error_when_computed", error)
        for _ in range(2):
            with pytest.raises(type(error)) as caught:
                context.decode(ANSWER[:1], position=len(PROMPT))
            assert caught.value is error
        experts.error = experts.error_when_computed = None
        found.append(decode(context))
    assert np.array_equal(np.concatenate(found), expected)


def test_an_error_is_taken_once(path: Path) -> None:
    experts = ResidentExperts(path)
    with opened_weights(experts) as (weights, model), context_on(weights, model) as context:
        experts.error = ValueError("once")
        context.pending_error = None
        with pytest.raises(DecodeError):
            context.decode(PROMPT, position=0)
        assert weights.take_error() is experts.error
        assert weights.take_error() is None


def test_a_cancelled_graph_is_not_computed(path: Path) -> None:
    experts = ResidentExperts(path)
    stopped = [True]
    with (
        opened_weights(experts, cancelled=lambda: stopped[0]) as (weights, model),
        context_on(weights, model) as context,
    ):
        with pytest.raises(CancelledError):
            context.decode(PROMPT, position=0)
        assert experts.asked == []
        stopped[0] = False
        context.decode(PROMPT, position=0)
        assert experts.asked


def test_compute_time_is_counted(path: Path) -> None:
    experts = ResidentExperts(path)
    with opened_weights(experts) as (weights, model), context_on(weights, model) as context:
        assert weights.compute_seconds == 0.0
        context.decode(PROMPT, position=0)
        assert weights.compute_seconds > 0.0


def test_a_tensor_that_llama_cpp_does_not_load_is_missed(path: Path) -> None:
    experts = ResidentExperts(path)
    unknown = replace(experts.tensors[0], name="blk.9.ffn_up_exps.weight")
    with (
        pytest.raises(OffloadError, match=r"did not load 1 expert tensors.*blk\.9\.ffn_up_exps\.weight"),
        opened_weights(experts, [*experts.tensors, unknown]),
    ):
        pass


def test_an_interleaved_tensor_without_a_kernel_is_refused(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.BF16)
    load()
    interleaver = Interleaver()
    assert not interleaver.supports(GgmlType.BF16, 256, 256)
    interleaver.close()
    experts = ResidentExperts(path)
    interleaved = [replace(tensor, interleaved=True) for tensor in experts.tensors]
    with pytest.raises(AbiError, match="stored interleaved"), opened_weights(experts, interleaved):
        pass


def test_closing_twice_is_harmless(path: Path) -> None:
    with opened_weights(ResidentExperts(path)) as (weights, _):
        pass
    weights.close()
