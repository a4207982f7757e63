"""The generation loop on a tiny model: ends, stop strings, cancelling, the cache's reuse, a full context."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest

from fakes.llama_models import N_CTX, open_context
from fakes.tiny_models import TinyArchitecture, build_tiny_model
from fakes.tiny_tokenizer import tiny_vocabulary
from offload.config import FinishReason, GenerationParams, Token
from offload.errors import DecodeError, UsageError
from offload.generation import Generator
from offload.llama.context import LlamaContext

_PROMPT = [72, 101, 297, 111, 266, 195, 182, 114, 108, 100, 9, 17, 33, 270, 271, 272]
_GREEDY = GenerationParams(temperature=0, ignore_eos=True, n_predict=12)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("generation") / "tiny.gguf", TinyArchitecture.MIXTRAL)


@pytest.fixture
def context(model_path: Path) -> Iterator[LlamaContext]:
    with open_context(model_path) as opened:
        yield opened


@pytest.fixture
def generator(context: LlamaContext) -> Generator:
    return Generator(context, context.model.vocab)


class Cancel:
    """Says stop from the moment it was asked more than `limit` times."""

    def __init__(self, limit: float = float("inf")) -> None:
        self.limit = limit
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.limit


def _ids(tokens: Sequence[Token]) -> list[int]:
    return [token.id for token in tokens if token.id >= 0]


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def _forced(text: str, **params: object) -> GenerationParams:
    """Parameters that make any model say `text`."""
    return GenerationParams(temperature=0, grammar=f"root ::= {json.dumps(text, ensure_ascii=False)}", **params)  # type: ignore[arg-type]


def test_without_a_temperature_the_answer_is_always_the_same(generator: Generator) -> None:
    first = list(generator.generate(_PROMPT, _GREEDY))
    generator.forget()
    assert list(generator.generate(_PROMPT, _GREEDY)) == first
    assert len(first) == 12


def test_only_the_last_token_has_a_reason(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _GREEDY))
    assert [token.finish_reason for token in tokens] == [None] * 11 + [FinishReason.LENGTH]
    assert [token.index for token in tokens] == list(range(12))


def test_a_seed_repeats_the_answer_and_is_told(generator: Generator) -> None:
    drawn = list(generator.generate(_PROMPT, GenerationParams(n_predict=12)))
    seed = generator.seed
    assert seed is not None
    generator.forget()
    assert list(generator.generate(_PROMPT, GenerationParams(n_predict=12, seed=seed))) == drawn


def test_the_model_s_own_end_stops(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("yes")))
    assert _text(tokens) == "yes"
    assert tokens[-1].id == tiny_vocabulary().turn_end
    assert tokens[-1].finish_reason is FinishReason.STOP


def test_a_complete_grammar_ends_even_where_the_end_is_ignored(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("yes", ignore_eos=True)))
    assert _text(tokens) == "yes"
    assert tokens[-1].finish_reason is FinishReason.STOP


def test_a_stop_string_across_tokens_ends_the_text_before_it(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("one two three", stop=("wo t",))))
    assert _text(tokens) == "one t"
    assert tokens[-1].finish_reason is FinishReason.STOP


def test_what_began_like_a_stop_string_is_shown_when_the_text_ends(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("one tw", stop=("two",))))
    assert _text(tokens) == "one tw"


def test_what_was_held_back_is_shown_when_the_length_is_reached(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("xxxxxx", stop=("xxxxxxxxx",), n_predict=4)))
    assert [token.text for token in tokens] == ["", "", "", "xxxx"]


def test_characters_of_several_tokens_are_shown_whole(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _forced("é€😀")))
    assert _text(tokens) == "é€😀"
    assert [token.text for token in tokens if token.text] == ["é", "€", "😀"]


def test_a_json_schema_is_answered_with_json(generator: Generator) -> None:
    schema = '{"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}'
    tokens = list(generator.generate(_PROMPT, GenerationParams(temperature=0, json_schema=schema)))
    assert isinstance(json.loads(_text(tokens))["ok"], bool)


def test_nothing_is_generated_where_nothing_is_asked_for(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, GenerationParams(n_predict=0)))
    assert tokens == [Token(-1, "", 0, FinishReason.LENGTH)]
    assert generator.tokens == _PROMPT


def test_the_mirror_is_what_the_cache_holds(generator: Generator, context: LlamaContext) -> None:
    ids = _ids(list(generator.generate(_PROMPT, _GREEDY)))
    assert generator.tokens == _PROMPT + ids[:-1]
    assert context.n_past == len(generator.tokens)


def test_the_prefix_of_a_conversation_is_not_computed_again(generator: Generator) -> None:
    ids = _ids(list(generator.generate(_PROMPT, _GREEDY)))
    list(generator.generate([*_PROMPT, *ids, 5, 6], _GREEDY))
    assert (generator.speed.n_cached, generator.speed.n_prompt) == (len(_PROMPT) + 11, 3)


def test_of_a_prompt_that_is_all_cached_the_last_token_is_computed_again(generator: Generator) -> None:
    list(generator.generate(_PROMPT, _GREEDY))
    list(generator.generate(_PROMPT, _GREEDY))
    assert (generator.speed.n_cached, generator.speed.n_prompt) == (len(_PROMPT) - 1, 1)


def test_another_prompt_keeps_only_what_is_shared(generator: Generator, context: LlamaContext) -> None:
    list(generator.generate(_PROMPT, _GREEDY))
    other = [*_PROMPT[:5], 50, 51, 52]
    shared = list(generator.generate(other, _GREEDY))
    assert generator.speed.n_cached == 5
    assert generator.tokens[:8] == other
    assert context.n_past == len(generator.tokens)
    generator.forget()
    assert _ids(list(generator.generate(other, _GREEDY))) == _ids(shared)


def test_a_prompt_with_nothing_in_common_starts_anew(generator: Generator) -> None:
    list(generator.generate(_PROMPT, _GREEDY))
    list(generator.generate([1, 2, 3], _GREEDY))
    assert (generator.speed.n_cached, generator.speed.n_prompt) == (0, 3)


def test_a_memory_that_cannot_drop_a_part_computes_the_whole_prompt(
    generator: Generator, context: LlamaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = [*_PROMPT[:5], 50, 51, 52]
    expected = _ids(list(generator.generate(other, _GREEDY)))
    generator.forget()
    list(generator.generate(_PROMPT, _GREEDY))
    monkeypatch.setattr(context, "remove", lambda first, last=-1: False)
    assert _ids(list(generator.generate(other, _GREEDY))) == expected
    assert (generator.speed.n_cached, generator.speed.n_prompt) == (0, len(other))


def test_a_memory_that_cannot_drop_a_part_is_emptied_by_a_cancel(
    generator: Generator, context: LlamaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "remove", lambda first, last=-1: False)
    prompt = [token % 300 for token in range(100)]
    whole = Cancel()
    expected = _ids(list(generator.generate(prompt, _GREEDY, cancelled=whole)))
    generator.forget()
    list(generator.generate(prompt, _GREEDY, cancelled=Cancel(whole.asked // 2)))
    assert generator.tokens == []
    assert context.n_past == 0
    assert _ids(list(generator.generate(prompt, _GREEDY))) == expected


def test_a_long_prompt_is_computed_in_batches(generator: Generator, context: LlamaContext) -> None:
    prompt = [token % 300 for token in range(100)]
    list(generator.generate(prompt, _GREEDY))
    assert context.n_batch < len(prompt)
    assert generator.speed.n_prompt == 100
    assert generator.tokens[:100] == prompt


def test_the_speed_of_a_run_is_measured(generator: Generator) -> None:
    list(generator.generate(_PROMPT, _GREEDY))
    speed = generator.speed
    assert (speed.n_prompt, speed.n_cached, speed.n_generated) == (len(_PROMPT), 0, 12)
    assert 0 < speed.prompt_seconds <= speed.first_token_seconds
    assert speed.decode_seconds > 0


def test_a_prompt_cancelled_before_it_began_computes_nothing(generator: Generator) -> None:
    tokens = list(generator.generate(_PROMPT, _GREEDY, cancelled=Cancel(0)))
    assert tokens == [Token(-1, "", 0, FinishReason.CANCELLED)]
    assert generator.tokens == []


def test_a_prompt_cancelled_within_a_batch_keeps_the_batches_before(
    generator: Generator, context: LlamaContext
) -> None:
    prompt = [token % 300 for token in range(100)]
    whole = Cancel()
    expected = _ids(list(generator.generate(prompt, _GREEDY, cancelled=whole)))
    generator.forget()
    tokens = list(generator.generate(prompt, _GREEDY, cancelled=Cancel(whole.asked // 2)))
    assert tokens[-1].finish_reason is FinishReason.CANCELLED
    assert 0 < len(generator.tokens) < 100
    assert len(generator.tokens) % context.n_batch == 0
    assert context.n_past == len(generator.tokens)
    assert _ids(list(generator.generate(prompt, _GREEDY))) == expected


@pytest.mark.parametrize("n_before", [1, 5, 11])
def test_a_cancelled_answer_that_is_continued_equals_an_uninterrupted_one(generator: Generator, n_before: int) -> None:
    expected = _ids(list(generator.generate(_PROMPT, _GREEDY)))
    generator.forget()
    cancelled = Event()
    ids: list[int] = []
    for token in generator.generate(_PROMPT, _GREEDY, cancelled=cancelled.is_set):
        ids += [token.id] * (token.id >= 0)
        if len(ids) == n_before:
            cancelled.set()
    assert len(ids) == n_before
    assert token.finish_reason is FinishReason.CANCELLED
    rest = GenerationParams(temperature=0, ignore_eos=True, n_predict=12 - n_before)
    ids += _ids(list(generator.generate(_PROMPT + ids, rest)))
    assert ids == expected
    assert generator.speed.n_prompt == 1


def test_cancelling_shows_what_was_held_back(generator: Generator) -> None:
    cancelled = Event()
    shown = ""
    for token in generator.generate(_PROMPT, _forced("abcdef", stop=("bcdeX",)), cancelled=cancelled.is_set):
        shown += token.text
        if token.index == 2:
            cancelled.set()
    assert shown == "abc"


def test_leaving_the_iterator_keeps_the_cache_usable(generator: Generator, context: LlamaContext) -> None:
    expected = _ids(list(generator.generate(_PROMPT, _GREEDY)))
    generator.forget()
    run = generator.generate(_PROMPT, _GREEDY)
    ids = [next(run).id, next(run).id, next(run).id]
    run.close()  # type: ignore[attr-defined]
    assert generator.tokens == _PROMPT + ids[:2]
    assert context.n_past == len(generator.tokens)
    rest = GenerationParams(temperature=0, ignore_eos=True, n_predict=9)
    assert ids + _ids(list(generator.generate(_PROMPT + ids, rest))) == expected


def test_a_failed_batch_leaves_mirror_and_cache_equal(generator: Generator, context: LlamaContext) -> None:
    list(generator.generate(_PROMPT, _GREEDY))
    with pytest.raises(DecodeError, match="invalid token"):
        list(generator.generate([*_PROMPT, 99_999], _GREEDY))
    assert generator.tokens == _PROMPT
    assert context.n_past == len(_PROMPT)


def test_the_cause_of_a_failed_batch_comes_out(generator: Generator, context: LlamaContext) -> None:
    context.pending_error = lambda: OSError("the disk")
    with pytest.raises(OSError, match="the disk"):
        list(generator.generate([99_999], _GREEDY))


def test_what_cancelled_raises_comes_out_and_the_next_run_works(generator: Generator) -> None:
    def fail() -> bool:
        raise ZeroDivisionError("from the callback")

    with pytest.raises(ZeroDivisionError):
        list(generator.generate(_PROMPT, _GREEDY, cancelled=fail))
    assert len(list(generator.generate(_PROMPT, _GREEDY))) == 12


def test_a_full_context_ends_the_text(generator: Generator, context: LlamaContext) -> None:
    params = GenerationParams(temperature=0, ignore_eos=True)
    tokens = list(generator.generate(_PROMPT, params))
    assert tokens[-1].finish_reason is FinishReason.CONTEXT_FULL
    # Every place is used; the last token needed none.
    assert len(_ids(tokens)) == N_CTX - len(_PROMPT) + 1
    assert context.n_past == N_CTX


def test_a_context_shift_goes_on_and_keeps_what_it_should(generator: Generator, context: LlamaContext) -> None:
    params = GenerationParams(temperature=0, ignore_eos=True, n_predict=2 * N_CTX, context_shift=True, n_keep=-1)
    tokens = list(generator.generate(_PROMPT, params))
    assert tokens[-1].finish_reason is FinishReason.LENGTH
    assert len(_ids(tokens)) == 2 * N_CTX
    assert generator.tokens[: len(_PROMPT)] == _PROMPT
    assert generator.tokens[len(_PROMPT) :] == _ids(tokens)[-1 - len(generator.tokens) + len(_PROMPT) : -1]
    assert context.n_past == len(generator.tokens) < N_CTX


def test_after_a_context_shift_only_the_kept_tokens_are_reused(generator: Generator) -> None:
    params = GenerationParams(temperature=0, ignore_eos=True, n_predict=N_CTX, context_shift=True, n_keep=8)
    list(generator.generate(_PROMPT, params))
    shifted = [*generator.tokens, 5]
    continued = _ids(list(generator.generate(shifted, _GREEDY)))
    assert generator.speed.n_cached == 8
    generator.forget()
    list(generator.generate(shifted[:8], GenerationParams(n_predict=0)))
    assert _ids(list(generator.generate(shifted, _GREEDY))) == continued


def test_a_prompt_that_fills_the_context_gets_one_token(generator: Generator) -> None:
    tokens = list(generator.generate([7] * N_CTX, _GREEDY))
    assert len(tokens) == 1
    assert tokens[0].finish_reason is FinishReason.CONTEXT_FULL


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(generator: Generator) -> None:
    with pytest.raises(UsageError, match=f"{N_CTX + 1} tokens, the context {N_CTX}") as caught:
        generator.generate([7] * (N_CTX + 1), _GREEDY)
    assert caught.value.numbers == {"n_prompt": N_CTX + 1, "n_ctx": N_CTX}


def test_an_empty_prompt_is_refused_where_the_model_has_no_first_token(generator: Generator) -> None:
    with pytest.raises(UsageError, match="empty"):
        generator.generate([], _GREEDY)


def test_an_empty_prompt_begins_with_the_model_s_first_token(
    generator: Generator, context: LlamaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context.model.vocab, "adds_bos", True)
    list(generator.generate([], _GREEDY))
    assert generator.tokens[0] == tiny_vocabulary().end_of_text


def test_a_second_generation_while_one_runs_is_refused(generator: Generator) -> None:
    first = generator.generate(_PROMPT, _GREEDY)
    next(first)
    with pytest.raises(UsageError, match="not ended"):
        next(generator.generate(_PROMPT, _GREEDY))
    assert len(list(first)) == 11


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (GenerationParams(n_predict=-2), "n_predict"),
        (GenerationParams(n_keep=-2), "n_keep"),
        (GenerationParams(stop=("",)), "stop string"),
        (GenerationParams(top_p=2.0), "top_p"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_at_once(
    generator: Generator, params: GenerationParams, name: str
) -> None:
    with pytest.raises(UsageError, match=name):
        generator.generate(_PROMPT, params)


@pytest.mark.parametrize("architecture", [TinyArchitecture.GPT_OSS, TinyArchitecture.DEEPSEEK2])
def test_other_kinds_of_attention_are_continued_alike(tmp_path: Path, architecture: TinyArchitecture) -> None:
    path = build_tiny_model(tmp_path / "tiny.gguf", architecture)
    with open_context(path) as context:
        generator = Generator(context, context.model.vocab)
        expected = _ids(list(generator.generate(_PROMPT, _GREEDY)))
        generator.forget()
        short = GenerationParams(temperature=0, ignore_eos=True, n_predict=5)
        begun = _ids(list(generator.generate(_PROMPT, short)))
        rest = GenerationParams(temperature=0, ignore_eos=True, n_predict=7)
        assert begun + _ids(list(generator.generate(_PROMPT + begun, rest))) == expected
