"""The engine's batches: many prompts at once, errors of their own, stopping, and what they take of the memory."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_needs, engine_parts
from offload.config import BatchPrompt, EngineConfig, FinishReason, GenerationParams
from offload.engine import Engine, open_model, plan_model
from offload.engine_parts import prepare
from offload.errors import BudgetError, ExpertReadError, UsageError
from offload.experts.key import ExpertKey
from offload.experts.store import ExpertStore, LayerLayout, Span
from offload.machine import ResidentMemory

MIB = 1 << 20
N_EXPERT = 32
CONFIG = EngineConfig(memory="2G", n_ctx=256, n_batch=64, n_ubatch=32, n_threads=1)
GREEDY = GenerationParams(n_predict=6, temperature=0.0, ignore_eos=True)
PROMPTS = [BatchPrompt(text, GREEDY) for text in ("The answer", "One more of it", "Question", "And the rest follows")]


@pytest.fixture(autouse=True)
def _steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine_needs, engine_parts):
        monkeypatch.setattr(module, "resident_memory", lambda: ResidentMemory(200 * MIB, 200 * MIB))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("batch") / "model.gguf"
    return build_tiny_model(
        path, TinyArchitecture.QWEN3MOE, ExpertTypes.Q8_0, n_layer=2, n_expert=N_EXPERT, n_expert_used=2
    )


@pytest.fixture
def engine(model: Path) -> Iterator[Engine]:
    with open_model(model, CONFIG, n_parallel=2) as engine:
        yield engine


def test_a_batch_gives_the_answers_that_prompts_get_alone(engine: Engine) -> None:
    alone = []
    for prompt in PROMPTS:
        engine.forget()
        alone.append("".join(token.text for token in engine.complete(str(prompt.content), prompt.params)))
    answers = list(engine.batch(PROMPTS))
    assert [answer.text for answer in answers] == alone
    assert [(answer.index, answer.finish_reason) for answer in answers] == [
        (index, FinishReason.LENGTH) for index in range(4)
    ]
    assert all(answer.n_generated == GREEDY.n_predict for answer in answers)


def test_more_sequences_than_prompts_are_no_harm(engine: Engine) -> None:
    assert [answer.index for answer in engine.batch(PROMPTS[:1])] == [0]
    assert list(engine.batch([])) == []


def test_answers_come_in_the_order_of_the_prompts(engine: Engine) -> None:
    lengths = [12, 1, 9, 1]
    prompts = [BatchPrompt("The answer", replace(GREEDY, n_predict=length)) for length in lengths]
    answers = list(engine.batch(prompts))
    assert [(answer.index, answer.n_generated) for answer in answers] == list(enumerate(lengths))


def test_a_prompt_that_is_too_long_is_named_before_anything_is_run(engine: Engine) -> None:
    long = BatchPrompt("word " * 400, GREEDY, name="x.jsonl, line 7")
    with pytest.raises(UsageError, match=r"x\.jsonl, line 7: The prompt has"):
        engine.batch([*PROMPTS, long])
    with pytest.raises(UsageError, match="prompt 2: top_p"):
        engine.batch([PROMPTS[0], BatchPrompt("a", GenerationParams(top_p=2.0))])
    assert engine.stats().paging.bytes_read == 0


def test_a_grammar_that_is_none_ends_its_own_answer(engine: Engine) -> None:
    broken = BatchPrompt("The answer", replace(GREEDY, grammar="root ::= ("))
    answers = list(engine.batch([PROMPTS[0], broken, PROMPTS[1]]))
    assert [answer.error is None for answer in answers] == [True, False, True]
    assert answers[1].finish_reason is None


def test_stopping_keeps_the_answers_done_and_the_engine(engine: Engine) -> None:
    endless = BatchPrompt("The answer", replace(GREEDY, n_predict=-1))
    answers = engine.batch([PROMPTS[0], endless, PROMPTS[1], PROMPTS[2]])
    found = [next(answers)]
    engine.stop()
    found += list(answers)
    assert found[0].finish_reason is FinishReason.LENGTH
    assert {answer.index: answer.finish_reason for answer in found}[1] is FinishReason.CANCELLED
    assert len(list(engine.batch(PROMPTS))) == 4


def test_a_batch_that_is_left_ends(engine: Engine) -> None:
    answers = engine.batch([PROMPTS[0], BatchPrompt("The answer", replace(GREEDY, n_predict=-1)), PROMPTS[1]])
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(list(engine.batch(PROMPTS))) == 4
    assert len(list(engine.complete("The answer", GREEDY))) == GREEDY.n_predict


class HolesStore:
    """The store `inner`, but of some experts nothing can be read."""

    def __init__(self, inner: ExpertStore) -> None:
        self.inner = inner
        self.files = inner.files
        self.lost: set[ExpertKey] = set()

    @property
    def layers(self) -> Mapping[int, LayerLayout]:
        return self.inner.layers

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        spans = self.inner.spans(key)
        return tuple(span._replace(offset=1 << 40) for span in spans) if key in self.lost else spans


def test_an_unreadable_expert_ends_the_answers_that_need_it(model: Path) -> None:
    prepared = prepare(model, CONFIG, 3)
    assert prepared.store is not None
    store = HolesStore(prepared.store)
    prompts = PROMPTS[:3]
    with Engine(replace(prepared, store=store), CONFIG) as engine:
        expected = list(engine.batch(prompts))
    with Engine(replace(prepared, store=store), CONFIG) as engine:
        needed = []
        for prompt in prompts:
            with open_model(model, CONFIG) as alone:
                list(alone.complete(str(prompt.content), prompt.params))
                needed.append(
                    {
                        ExpertKey(layer, e)
                        for layer, states in enumerate(alone.residency())
                        for e in range(N_EXPERT)
                        if states[e]
                    }
                )
        of_the_second = sorted(needed[1] - needed[0] - needed[2])
        assert of_the_second, "the prompts route alike: this test shows nothing"
        store.lost = {of_the_second[0]}
        answers = list(engine.batch(prompts))
        assert [answers[0], answers[2]] == [expected[0], expected[2]]
        assert isinstance(answers[1].error, ExpertReadError)
        store.lost = set()
        assert list(engine.batch(prompts)) == expected


def test_a_dense_model_answers_one_by_one(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "dense.gguf", TinyArchitecture.DENSE)
    with open_model(path, CONFIG, n_parallel=4) as engine:
        assert engine.plan.n_parallel == 1
        assert len(list(engine.batch(PROMPTS))) == 4


def test_the_plan_counts_every_sequence(model: Path) -> None:
    one, three = plan_model(model, CONFIG), plan_model(model, CONFIG, n_parallel=3)
    assert three.kv_bytes == 3 * one.kv_bytes
    assert three.compute_bytes == 3 * one.compute_bytes
    assert three.n_parallel == 3
    assert any("3 sequences of 256 tokens" in line for line in three.lines())


def test_a_budget_without_room_for_the_sequences_is_refused(model: Path) -> None:
    one = plan_model(model, CONFIG)
    tight = replace(CONFIG, memory=one.floor_bytes + MIB)
    with pytest.raises(BudgetError, match=r"with 64 sequences of a context of 256 .* lower -np"):
        open_model(model, tight, n_parallel=64)
    with open_model(model, tight, n_parallel=64, fewer_parallel=True) as engine:
        assert engine.plan.n_parallel == 1


def test_no_sequence_at_all_is_refused(model: Path) -> None:
    with pytest.raises(UsageError, match="n_parallel is 0"):
        open_model(model, CONFIG, n_parallel=0)
