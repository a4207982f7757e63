"""Three tiers give plain llama.cpp's logits, bit for bit, after the device, the disk or a person got in the way."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.cancelling import Switch, after, answer_cancelled_at_every_token
from fakes.devices import everything_is_given_back, make_breakable, stand_in
from fakes.paged_runs import (
    ANSWER,
    PROMPT,
    Logits,
    StoredModel,
    decode,
    gguf_model,
    paged_context,
    plain_context,
    prefill,
    prompt_and_answer,
)
from fakes.span_sources import BreakableSource
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload.errors import CancelledError, DeviceError, ExpertReadError
from offload.ggml import abi
from offload.ggml.device_hook import DeviceHook, device_hook
from offload.llama.context import LlamaContext
from offload.paged_model import PagedModel

N_EXPERT, N_EXPERT_USED, N_SLOTS = 16, 3, 5
MISSES = {"copied": None, "either": 0.5, "computed": np.inf}
"""What becomes of experts that are not on the device, as the gates of sound devices have it."""
RAM = {"none": 0, "a third": 1 / 3}
"""Of all experts."""
Opened = tuple[PagedModel, LlamaContext]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    path: Path = tmp_path_factory.mktemp("model") / "model.gguf"
    build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.MIXED, n_expert=N_EXPERT, n_expert_used=N_EXPERT_USED)
    return gguf_model(path)


@pytest.fixture(scope="module")
def expected(stored: StoredModel) -> Logits:
    with plain_context(stored) as context:
        return prompt_and_answer(context)


@contextmanager
def opened(
    stored: StoredModel, *, ram: str = "a third", on_cpu: float | None = None, staged: bool = True, **options: Any
) -> Iterator[Opened]:
    """Open the model on a device; when all is done nothing of the host tier is held by anybody."""
    all_bytes = sum(layout.n_expert * layout.slot_bytes for layout in stored.store.layers.values())
    host_bytes = round(RAM[ram] * all_bytes)
    share = stand_in(stored.capacity(N_SLOTS), host_bytes=host_bytes, on_cpu=on_cpu, staged=staged)
    with paged_context(stored, N_SLOTS, staged=staged, device=share, **options) as (paged, context):
        yield paged, context
        assert everything_is_given_back(paged)


# -- the device


@pytest.mark.parametrize("ram", RAM)
def test_decoding_goes_on_after_a_failed_upload(stored: StoredModel, expected: Logits, ram: str) -> None:
    with opened(stored, ram=ram) as (paged, context):
        device = make_breakable(paged)
        found = [prefill(context)]
        for index, token in enumerate(ANSWER):
            position = len(PROMPT) + index
            device.broken = lambda what: what == "write"
            refused = device.n_refused
            try:
                context.decode([token], position=position)
            except DeviceError:
                assert context.n_past == position
            device.broken = lambda what: False
            if device.n_refused > refused:
                context.decode([token], position=position)
            found.append(context.logits().copy()[None])
    assert device.n_refused > 20
    assert np.array_equal(np.concatenate(found), expected)


def test_decoding_goes_on_after_a_failed_download(stored: StoredModel, expected: Logits) -> None:
    """What leaves a slot is saved in memory where it has room: it fails with the read that needed the slot."""
    with opened(stored) as (paged, context):
        device = make_breakable(paged)
        found = [prefill(context)]
        for index, token in enumerate(ANSWER):
            position = len(PROMPT) + index
            device.broken = lambda what: what == "read"
            try:
                context.decode([token], position=position)
            except DeviceError:
                device.broken = lambda what: False
                context.decode([token], position=position)
            found.append(context.logits().copy()[None])
    assert device.n_refused > 5
    assert np.array_equal(np.concatenate(found), expected)


def test_an_expert_that_cannot_be_copied_to_its_slot_is_read_when_it_is_wanted(
    stored: StoredModel, expected: Logits
) -> None:
    with opened(stored) as (paged, context):
        device = make_breakable(paged)
        device.broken = lambda what: what == "copy"
        assert np.array_equal(prompt_and_answer(context), expected)
    assert device.n_refused > 0


@pytest.mark.parametrize("staged", [True, False], ids=["staged", "unstaged"])
@pytest.mark.parametrize("n_good", [0, 40, 100])
def test_a_prompt_is_computed_again_after_a_failed_upload(stored: StoredModel, staged: bool, n_good: int) -> None:
    n_ubatch = 16 if staged else 1
    with plain_context(stored, n_ubatch=n_ubatch) as context:
        expected = prompt_and_answer(context)
    with opened(stored, staged=staged, n_ubatch=n_ubatch) as (paged, context):
        device = make_breakable(paged)
        device.broken = after(n_good)
        with pytest.raises(DeviceError):
            prefill(context)
        assert context.n_past == 0
        device.broken = lambda what: False
        assert np.array_equal(prompt_and_answer(context), expected)


@contextmanager
def failing(paged: PagedModel, n_good: int) -> Iterator[None]:
    """Have the device's backends compute so many pieces of graphs, and fail after that."""
    hook, fails = hook_of(paged), after(n_good)
    sound = dict(hook._served)
    for backend, (weights, native) in sound.items():

        def compute(backend: int, graph: int, native: Callable[[int, int], int] = native) -> int:
            return abi.STATUS_FAILED if fails() else native(backend, graph)

        hook._served[backend] = weights, compute
    yield
    hook._served.update(sound)


def hook_of(paged: PagedModel) -> DeviceHook:
    hook = device_hook(stand_in({}).address)
    assert any(weights is paged.weights for weights, _ in hook._served.values())
    return hook


@pytest.mark.parametrize("misses", MISSES)
@pytest.mark.parametrize("n_good", [0, 3])
def test_a_device_that_does_not_compute_is_named_and_may_be_tried_again(
    stored: StoredModel, expected: Logits, misses: str, n_good: int
) -> None:
    with opened(stored, on_cpu=MISSES[misses]) as (paged, context):
        with failing(paged, n_good), pytest.raises(DeviceError, match="device CPU failed to compute, or was lost"):
            prefill(context)
        found = [prefill(context), decode(context, ANSWER[:5])]
        with failing(paged, n_good), pytest.raises(DeviceError, match="status -1"):
            decode(context, ANSWER[5:6], position=len(PROMPT) + 5)
        found.append(decode(context, ANSWER[5:], position=len(PROMPT) + 5))
    assert np.array_equal(np.concatenate(found), expected)


# -- the disk


class Wrapping:
    """Makes the disk of a model breakable."""

    source: BreakableSource

    def __call__(self, source: Any) -> BreakableSource:
        self.source = BreakableSource(source)
        return self.source


@pytest.mark.parametrize("misses", MISSES)
@pytest.mark.parametrize("ram", RAM)
def test_decoding_goes_on_after_unreadable_experts(
    stored: StoredModel, expected: Logits, misses: str, ram: str
) -> None:
    """All experts of a token that have to be read fail, wherever they are computed."""
    wrapping = Wrapping()
    n_failures = 0
    with opened(stored, ram=ram, on_cpu=MISSES[misses], wrap_source=wrapping) as (_, context):
        found = [prefill(context)]
        for index, token in enumerate(ANSWER):
            position = len(PROMPT) + index
            wrapping.source.broken = lambda span: True
            try:
                context.decode([token], position=position)
            except ExpertReadError:
                n_failures += 1
                assert context.n_past == position
                wrapping.source.broken = lambda span: False
                context.decode([token], position=position)
            found.append(context.logits().copy()[None])
    assert n_failures > 20
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("misses", MISSES)
@pytest.mark.parametrize("n_good", [0, 20, 60])
def test_a_prompt_is_computed_again_after_an_unreadable_expert(
    stored: StoredModel, expected: Logits, misses: str, n_good: int
) -> None:
    wrapping = Wrapping()
    with opened(stored, on_cpu=MISSES[misses], wrap_source=wrapping) as (_, context):
        wrapping.source.broken = after(n_good)
        with pytest.raises(ExpertReadError):
            prefill(context)
        assert context.n_past == 0
        wrapping.source.broken = lambda span: False
        assert np.array_equal(prompt_and_answer(context), expected)


# -- a person


@pytest.mark.parametrize("misses", MISSES)
def test_what_was_cancelled_anywhere_is_computed_again(stored: StoredModel, expected: Logits, misses: str) -> None:
    switch = Switch()
    with opened(stored, on_cpu=MISSES[misses], cancelled=switch) as (_, context):
        for n_layers in (0, 1, 5):
            switch.cancelled = after(n_layers)
            with pytest.raises(CancelledError):
                prefill(context)
        switch.cancelled = lambda: False
        found = [prefill(context), *answer_cancelled_at_every_token(context, switch, 3)]
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("n_nodes", [0, 90, 150])
def test_a_prompt_cancelled_between_nodes_is_computed_again(
    stored: StoredModel, expected: Logits, n_nodes: int
) -> None:
    with opened(stored) as (_, context):
        context.set_abort(after(n_nodes))
        with pytest.raises(CancelledError):
            prefill(context)
        context.set_abort(None)
        assert np.array_equal(prompt_and_answer(context), expected)


@contextmanager
def interrupted(owner: Any, method: str, n_calls: int) -> Iterator[None]:
    """Press Ctrl-C in the call after so many of them."""
    original, comes = getattr(owner, method), after(n_calls)

    def press(*arguments: Any) -> Any:
        if comes():
            signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    setattr(owner, method, press)
    yield
    setattr(owner, method, original)


@pytest.mark.parametrize("misses", MISSES)
@pytest.mark.parametrize("n_calls", [0, 2])
def test_ctrl_c_while_routes_are_read_ends_the_token_and_no_more(
    stored: StoredModel, expected: Logits, misses: str, n_calls: int
) -> None:
    with opened(stored, on_cpu=MISSES[misses]) as (paged, context):
        memory = paged._home.graph_memory
        with interrupted(memory, "ids", n_calls), pytest.raises(KeyboardInterrupt):
            prefill(context)
        found = [prefill(context), decode(context, ANSWER[:9])]
        with interrupted(memory, "ids", n_calls), pytest.raises(KeyboardInterrupt):
            decode(context, ANSWER[9:], position=len(PROMPT) + 9)
        assert context.n_past == len(PROMPT) + 9
        found.append(decode(context, ANSWER[9:], position=len(PROMPT) + 9))
    assert np.array_equal(np.concatenate(found), expected)


def test_ctrl_c_while_the_cpu_computes_rows_ends_the_token_and_no_more(stored: StoredModel, expected: Logits) -> None:
    with opened(stored, on_cpu=np.inf) as (paged, context):
        found = [prefill(context)]
        with interrupted(paged.weights.host_rows, "write", 1), pytest.raises(KeyboardInterrupt):
            decode(context)
        rest = context.n_past
        found.append(decode(context, ANSWER[rest - len(PROMPT) :], position=rest))
    assert np.array_equal(found[-1], expected[rest:])
    assert np.array_equal(found[0], expected[: len(PROMPT)])
