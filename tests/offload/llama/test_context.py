"""Decoding with a context: logits, the cache after success and failure, aborting."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fakes.llama_models import N_CTX, open_context
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.errors import CancelledError, DecodeError, UsageError
from offload.llama.context import ContextBuffers, LlamaContext, parse_buffers
from offload.llama.model import LlamaModel

_TOKENS = [72, 101, 297, 111, 266, 195, 182]


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("context") / "tiny.gguf", TinyArchitecture.MIXTRAL)


@pytest.fixture
def context(model_path: Path) -> Iterator[LlamaContext]:
    with open_context(model_path) as opened:
        yield opened


def test_the_sizes_are_llama_cpp_s_own(context: LlamaContext) -> None:
    assert (context.n_ctx, context.n_batch, context.n_ubatch) == (N_CTX, 32, 16)


def test_every_buffer_of_the_context_is_counted(model_path: Path) -> None:
    with open_context(model_path) as small, open_context(model_path, n_ctx=4 * N_CTX) as large:
        assert small.buffer_bytes.kv_bytes > 0
        assert small.buffer_bytes.compute_bytes > 0
        # F16 keys and values of 3 layers: 4 times the tokens are 4 times the bytes, but for the log's rounding.
        assert large.buffer_bytes.kv_bytes == pytest.approx(4 * small.buffer_bytes.kv_bytes, rel=0.03)


def test_buffer_lines_are_summed_by_kind() -> None:
    lines = [
        "llama_context:        CPU  output buffer size =     0.50 MiB",
        "llama_kv_cache:        CPU KV buffer size =    12.00 MiB",
        "llama_kv_cache:        CPU KV buffer size =     4.00 MiB",
        "llama_memory_recurrent:        CPU RS buffer size =     1.00 MiB",
        "sched_reserve:        CPU compute buffer size =    30.25 MiB",
        "load_tensors:          CPU model buffer size =   999.00 MiB",
    ]
    mib = 1 << 20
    assert parse_buffers(lines) == ContextBuffers(17 * mib, 30 * mib + mib // 4, mib // 2)


def test_the_same_tokens_give_the_same_logits(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    first = context.logits().copy()
    context.clear()
    context.decode(np.array(_TOKENS, np.int32), position=0)
    assert first.shape == (320,)
    assert np.array_equal(first, context.logits())


def test_all_logits_end_with_the_last_ones(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0, logits="all")
    last = context.logits(len(_TOKENS) - 1)
    assert np.array_equal(last, context.logits(-1))
    assert not np.array_equal(last, context.logits(0))


def test_no_logits_are_there_where_none_were_asked_for(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0, logits="none")
    assert context.n_past == len(_TOKENS)
    with pytest.raises(DecodeError):
        context.logits()


def test_removed_positions_are_gone(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    assert context.remove(3)
    assert context.n_past == 3
    assert context.first_position == 0


def test_an_empty_cache_has_no_positions(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    context.clear()
    assert (context.n_past, context.first_position) == (0, -1)


def test_shifting_moves_positions(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    assert context.can_shift
    context.remove(1, 4)
    context.shift(4, len(_TOKENS), -3)
    assert context.n_past == len(_TOKENS) - 3
    context.decode([5], position=context.n_past)
    assert np.isfinite(context.logits()).all()


@pytest.mark.parametrize("n_tokens", [0, 33])
def test_a_batch_of_a_wrong_size_is_refused(context: LlamaContext, n_tokens: int) -> None:
    with pytest.raises(DecodeError, match=f"{n_tokens} tokens"):
        context.decode([1] * n_tokens, position=0)


def test_an_unknown_token_is_refused_with_llama_cpp_s_reason(context: LlamaContext) -> None:
    with pytest.raises(DecodeError, match="invalid token") as caught:
        context.decode([99_999], position=0)
    assert caught.value.status == -1


def test_a_full_cache_says_so(context: LlamaContext) -> None:
    for start in range(0, N_CTX, 32):
        context.decode([7] * 32, position=start, logits="none")
    with pytest.raises(DecodeError, match="larger context") as caught:
        context.decode([7], position=N_CTX)
    assert caught.value.status == 1
    assert context.n_past == N_CTX


class _AbortAfter:
    """Says stop once it was asked more than `limit` times."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.limit


def test_a_batch_aborted_in_its_second_half_leaves_the_cache_as_it_was(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    one_micro_batch = _AbortAfter(float("inf"))
    context.set_abort(one_micro_batch)
    context.decode([9] * context.n_ubatch, position=len(_TOKENS))
    context.remove(len(_TOKENS))

    second = _AbortAfter(one_micro_batch.asked + 10)
    context.set_abort(second)
    with pytest.raises(CancelledError):
        context.decode([9] * 2 * context.n_ubatch, position=len(_TOKENS))
    assert second.asked == second.limit + 1
    assert context.n_past == len(_TOKENS)


def test_what_is_computed_after_an_abort_is_what_it_would_have_been(context: LlamaContext) -> None:
    context.decode(_TOKENS, position=0)
    context.decode([9] * 20, position=len(_TOKENS))
    expected = context.logits().copy()
    context.clear()
    context.decode(_TOKENS, position=0)
    context.set_abort(lambda: True)
    with pytest.raises(CancelledError):
        context.decode([9] * 20, position=len(_TOKENS))
    context.set_abort(None)
    context.decode([9] * 20, position=len(_TOKENS))
    assert np.array_equal(expected, context.logits())


def test_what_the_abort_callable_raises_comes_out_of_decode(context: LlamaContext) -> None:
    def abort() -> bool:
        raise ZeroDivisionError("from the callback")

    context.set_abort(abort)
    with pytest.raises(ZeroDivisionError, match="from the callback"):
        context.decode(_TOKENS, position=0)
    assert context.n_past == 0


def test_an_abort_that_was_taken_back_is_not_asked(context: LlamaContext) -> None:
    context.set_abort(lambda: True)
    context.set_abort(None)
    context.decode(_TOKENS, position=0)
    assert context.n_past == len(_TOKENS)


def test_a_pending_error_is_the_cause_that_is_raised(context: LlamaContext) -> None:
    context.pending_error = lambda: OSError("the disk")
    with pytest.raises(OSError, match="the disk"):
        context.decode([99_999], position=0)


def test_without_a_pending_error_the_failure_is_llama_cpp_s(context: LlamaContext) -> None:
    context.pending_error = lambda: None
    with pytest.raises(DecodeError):
        context.decode([99_999], position=0)


def test_a_closed_context_is_refused_and_closing_again_does_nothing(model_path: Path) -> None:
    with LlamaModel.open(model_path) as model:
        context = LlamaContext.open(model, n_ctx=N_CTX, n_threads=1)
        context.close()
        context.close()
        for use in (context.clear, context.logits, lambda: context.remove(0), lambda: context.n_past):
            with pytest.raises(UsageError, match="closed"):
                use()


def test_a_context_llama_cpp_cannot_make_is_refused_with_its_reason(model_path: Path) -> None:
    with LlamaModel.open(model_path) as model, pytest.raises(DecodeError, match="cannot both be zero"):
        LlamaContext.open(model, n_ctx=N_CTX, n_batch=0, n_ubatch=0, n_threads=1)
