"""The engine: a model opened within a budget, generating, counting, failing and going on."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_needs, engine_parts
from offload.config import EngineConfig, FinishReason, GenerationParams, Message, Role, StoreChoice, Token
from offload.demo_model import demo_model_path
from offload.engine import Engine, open_model, pack_model, plan_model
from offload.engine_parts import fit_plan, prepare
from offload.errors import BudgetError, CancelledError, ExpertReadError, ModelNotFoundError, StaleStoreError, UsageError
from offload.experts.key import ExpertKey
from offload.experts.store import ExpertStore, LayerLayout, Span
from offload.llama.model import LlamaModel
from offload.machine import ResidentMemory
from offload.memory_plan import MemoryPlan
from offload.stats import PagingUse, ResidentState

KIB, MIB = 1 << 10, 1 << 20
N_EXPERT = 64
N_LAYER = 2
LONGEST_WAIT_SECONDS = 30.0
OWN_BYTES = 200 * MIB
"""What this process is said to take: its true size depends on the tests that ran before."""
GREEDY = GenerationParams(n_predict=12, temperature=0.0, ignore_eos=True)
PROMPT = "The answer to the question is in the other one, and the rest of it follows."


@pytest.fixture(autouse=True)
def _steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine_needs, engine_parts):
        monkeypatch.setattr(module, "resident_memory", lambda: ResidentMemory(OWN_BYTES, OWN_BYTES))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 64 experts of 396 KiB, so that budgets make a difference."""
    path = tmp_path_factory.mktemp("engine") / "model.gguf"
    return build_tiny_model(
        path, TinyArchitecture.QWEN3MOE, ExpertTypes.F16, n_layer=N_LAYER, n_expert=N_EXPERT, n_expert_used=2
    )


def config(memory: str | int = "2G", **options: int | StoreChoice) -> EngineConfig:
    small: dict[str, int | StoreChoice] = {"n_ctx": 256, "n_ubatch": 32, "n_threads": 1}
    return EngineConfig(memory=memory, **{**small, **options})  # type: ignore[arg-type]


def budget(model: Path, slots_and_staging: int) -> int:
    """Return the budget that leaves so many bytes to slots and staging."""
    plan = plan_model(model, config())
    return plan.total_bytes - plan.slot_bytes - plan.staging_bytes + slots_and_staging


FLOOR, STAGED, UNSTAGED = 4 * 396 * KIB, 48 * MIB, 24 * MIB
"""Bytes for slots and staging: two slots a layer; staging and some slots; more slots, but no room for staging."""


def text_of(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def ids(tokens: list[Token]) -> list[int]:
    return [token.id for token in tokens if token.id >= 0]


# -- opening


def test_without_a_path_the_demo_model_is_opened() -> None:
    with open_model(None, config(n_ctx=512)) as engine:
        assert engine.path == demo_model_path()
        tokens = list(engine.complete("Once upon a time", GREEDY))
        assert len(tokens) == GREEDY.n_predict
        assert text_of(tokens).strip()


def test_it_tells_what_it_is(model: Path) -> None:
    with open_model(model, config()) as engine:
        assert engine.path == model
        assert engine.store_name == "model.gguf"
        assert engine.n_ctx == 256
        assert engine.description.startswith("tiny")
        assert engine.chat_template is not None


@pytest.mark.parametrize("left", [FLOOR, UNSTAGED, STAGED], ids=["floor", "unstaged", "staged"])
def test_the_plan_is_kept_at_any_budget(model: Path, left: int) -> None:
    memory = budget(model, left)
    with open_model(model, config(memory)) as engine:
        list(engine.complete(PROMPT, GREEDY))
        assert engine.plan.total_bytes <= memory
        assert (engine.plan.staged_capacity is not None) == (left == STAGED)
        for layer, states in zip(engine.plan.capacity, engine.residency(), strict=True):
            assert sum(map(bool, states)) <= engine.plan.capacity[layer] < N_EXPERT


def test_staging_changes_no_token(model: Path) -> None:
    with open_model(model, config()) as engine:
        expected = list(engine.complete(PROMPT, GREEDY))
    with open_model(model, config(budget(model, STAGED))) as engine:
        assert list(engine.complete(PROMPT, GREEDY)) == expected


def test_a_budget_below_the_floor_is_refused_with_both_numbers(model: Path) -> None:
    with pytest.raises(BudgetError) as caught:
        open_model(model, config("1M"))
    assert caught.value.budget_bytes == MIB
    assert caught.value.floor_bytes > OWN_BYTES
    with pytest.raises(BudgetError):
        open_model(model, config(budget(model, FLOOR) - 1))


def test_the_floor_that_is_named_is_enough(model: Path) -> None:
    with pytest.raises(BudgetError) as caught:
        plan_model(model, config("1M"))
    with open_model(model, config(caught.value.floor_bytes)) as engine:
        assert min(engine.plan.capacity.values()) >= 2
        assert len(list(engine.complete(PROMPT, GREEDY))) == GREEDY.n_predict


@pytest.mark.parametrize(
    ("field", "value"), [("n_ctx", -1), ("n_batch", 0), ("n_ubatch", 0), ("n_threads", -1), ("n_readers", 0)]
)
def test_values_that_make_no_sense_are_refused(model: Path, field: str, value: int) -> None:
    with pytest.raises(UsageError, match=f"{field} is {value}"):
        open_model(model, config(**{field: value}))


def test_a_budget_that_is_no_size_is_refused(model: Path) -> None:
    with pytest.raises(UsageError):
        open_model(model, config("a lot"))


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"nowhere\.gguf"):
        open_model(tmp_path / "nowhere.gguf", config())


@pytest.mark.parametrize("memory", ["auto", "60%"])
def test_budgets_of_the_machine(model: Path, memory: str) -> None:
    with open_model(model, config(memory)) as engine:
        assert engine.plan.budget_bytes > 0


def test_loading_may_be_stopped(model: Path) -> None:
    with pytest.raises(CancelledError):
        open_model(model, config(), on_progress=lambda share: False)


def test_the_context_defaults_to_the_models_own(model: Path) -> None:
    assert plan_model(model, config(n_ctx=0)).n_ctx == 512
    assert plan_model(model, config(n_ctx=64, n_ubatch=512)).n_ubatch == 64


# -- planning


def test_planning_loads_no_model(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> LlamaModel:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(LlamaModel, "open", refuse)
    plan = plan_model(model, config())
    assert isinstance(plan, MemoryPlan)
    assert plan.dense_bytes > 0
    assert plan.resident_share == 1.0


def test_the_plan_is_what_is_opened(model: Path) -> None:
    memory = budget(model, STAGED)
    with open_model(model, config(memory)) as engine:
        assert engine.plan == plan_model(model, config(memory))


def test_what_a_loaded_model_takes_beyond_the_plan_comes_from_the_slots(model: Path) -> None:
    prepared = prepare(model, config(budget(model, STAGED)))
    plan = prepared.plan
    planned = plan.runtime_bytes + plan.dense_bytes + plan.kv_bytes
    assert fit_plan(prepared, planned) == plan
    fitted = fit_plan(prepared, planned + 5 * MIB)
    assert fitted.runtime_bytes == plan.runtime_bytes + 5 * MIB
    assert sum(fitted.capacity.values()) < sum(plan.capacity.values())
    assert fitted.total_bytes <= plan.budget_bytes
    with pytest.raises(BudgetError):
        fit_plan(prepared, planned + 100 * MIB)


# -- generating


def test_a_chat_goes_through_the_template_and_keeps_its_prefix() -> None:
    with open_model(None, config(n_ctx=512)) as engine:
        turns = [Message(Role.USER, "Tell me a story about a small boat.")]
        answer = text_of(list(engine.chat(turns, GREEDY)))
        first = engine.stats().speed
        assert first.n_cached == 0
        turns += [Message(Role.ASSISTANT, answer), Message(Role.USER, "And then?")]
        list(engine.chat(turns, GREEDY))
        second = engine.stats().speed
        assert second.n_cached >= first.n_prompt - 1
        assert second.n_prompt > 0


def test_the_same_prompt_gives_the_same_answer_again(model: Path) -> None:
    with open_model(model, config(budget(model, STAGED))) as engine:
        first = list(engine.complete(PROMPT, GREEDY))
        assert list(engine.complete(PROMPT, GREEDY)) == first


def test_stopping_ends_within_a_token_and_the_engine_goes_on(model: Path) -> None:
    endless = replace(GREEDY, n_predict=-1)
    with open_model(model, config(budget(model, STAGED))) as engine:
        expected = list(engine.complete(PROMPT, GREEDY))
        running = engine.complete(PROMPT, endless)
        got = [next(running) for _ in range(5)]
        caller = threading.Thread(target=engine.stop)
        caller.start()
        caller.join()
        rest = list(running)
        assert [token.finish_reason for token in rest] == [FinishReason.CANCELLED]
        assert ids(got) == ids(expected)[:5]
        assert not any(ResidentState.PINNED in states for states in engine.residency())
        assert list(engine.complete(PROMPT, GREEDY)) == expected


def test_stopping_before_the_first_token_computes_nothing(model: Path) -> None:
    with open_model(model, config()) as engine:
        running = engine.complete(PROMPT, GREEDY)
        engine.stop()
        assert [token.finish_reason for token in running] == [FinishReason.CANCELLED]
        assert engine.stats().speed.n_generated == 0


def test_an_abandoned_generation_leaves_the_engine_usable(model: Path) -> None:
    with open_model(model, config(budget(model, STAGED))) as engine:
        expected = list(engine.complete(PROMPT, GREEDY))
        running = engine.complete(PROMPT, GREEDY)
        next(running)
        del running
        assert list(engine.complete(PROMPT, GREEDY)) == expected


def test_a_prompt_longer_than_the_context_is_refused(model: Path) -> None:
    with open_model(model, config()) as engine, pytest.raises(UsageError, match="context 256"):
        list(engine.complete("word " * 2000, GREEDY))


def test_a_dense_model_runs_without_paging(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)
    with open_model(path, config()) as engine:
        assert len(list(engine.complete(PROMPT, GREEDY))) == GREEDY.n_predict
        assert engine.stats().paging == PagingUse()
        assert engine.residency() == []
        assert engine.store_name == ""
        assert engine.plan.slot_bytes == 0


def test_two_engines_at_once(model: Path) -> None:
    with open_model(model, config()) as engine:
        expected = list(engine.complete(PROMPT, GREEDY))
    with open_model(model, config()) as one, open_model(model, config(budget(model, STAGED))) as other:
        running = one.complete(PROMPT, GREEDY), other.complete(PROMPT, GREEDY)
        pairs = list(zip(*running, strict=True))
    assert [list(tokens) for tokens in zip(*pairs, strict=True)] == [expected, expected]


# -- what it counts


def test_the_stats_add_up(model: Path) -> None:
    with open_model(model, config(budget(model, FLOOR))) as engine:
        list(engine.complete(PROMPT, GREEDY))
        stats, plan = engine.stats(), engine.plan
    memory, paging, speed = stats.memory, stats.paging, stats.speed
    parts = memory.runtime_bytes + memory.dense_bytes + memory.kv_bytes + memory.compute_bytes + memory.staging_bytes
    assert parts + memory.slot_bytes + memory.forecast_bytes == plan.total_bytes <= memory.budget_bytes
    assert 0 < memory.resident_bytes <= memory.peak_bytes
    assert (paging.n_layer, paging.n_expert) == (N_LAYER, N_EXPERT)
    assert paging.n_slots == sum(plan.capacity.values())
    # Each computed token routes to two experts in each layer; of the prompt's last token only the last layer is such.
    assert paging.hits + paging.misses >= 2 * N_LAYER * (GREEDY.n_predict - 1)
    assert 0.0 <= paging.hit_rate <= 1.0
    assert paging.bytes_read > 0
    assert paging.read_seconds > 0.0
    assert paging.expert_compute_seconds > 0.0
    assert speed.n_generated == GREEDY.n_predict
    assert speed.n_prompt > 0
    assert speed.tokens_per_second > 0.0
    assert speed.first_token_seconds > 0.0


def test_the_residency_has_a_state_for_every_expert(model: Path) -> None:
    with open_model(model, config(budget(model, STAGED))) as engine:
        assert engine.residency() == [bytes(N_EXPERT)] * N_LAYER
        list(engine.complete(PROMPT, GREEDY))
        states = engine.residency()
    assert [len(layer) for layer in states] == [N_EXPERT] * N_LAYER
    assert {ResidentState(state) for layer in states for state in layer} <= set(ResidentState) - {ResidentState.PINNED}


def test_the_whole_process_stays_within_its_budget(model: Path) -> None:
    """In a process of its own: the peak of this one is that of all tests before."""
    program = f"""
from pathlib import Path
from offload.config import EngineConfig, GenerationParams
from offload.engine import open_model, plan_model
model, options = Path({str(model)!r}), dict(n_ctx=256, n_ubatch=32, n_threads=1)
plan = plan_model(model, EngineConfig(memory="2G", **options))
budget = plan.total_bytes - plan.slot_bytes + {STAGED}
with open_model(model, EngineConfig(memory=budget, **options)) as engine:
    assert engine.plan.resident_share < 1
    for start in range(3):
        list(engine.complete({PROMPT!r}[start:], GenerationParams(n_predict=30, temperature=0.0, ignore_eos=True)))
    print(engine.stats().memory.peak_bytes, engine.stats().memory.budget_bytes)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    peak, promised = map(int, done.stdout.split())
    assert 0 < peak <= promised


# -- stores


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0)


def test_a_packed_store_beside_the_model_is_found(small: Path) -> None:
    pack_model(small)
    with open_model(small, config()) as engine:
        assert engine.store_name == "model.offload"
        assert len(list(engine.complete(PROMPT, GREEDY))) == GREEDY.n_predict
    with open_model(small, config(store=StoreChoice.GGUF)) as engine:
        assert engine.store_name == "model.gguf"


def test_a_stale_packed_store_is_refused_with_advice(small: Path) -> None:
    pack_model(small)
    build_tiny_model(small, TinyArchitecture.QWEN3MOE, ExpertTypes.Q4_0, seed=1)
    with pytest.raises(StaleStoreError, match=f"Run: offload pack {small}"):
        open_model(small, config())
    with open_model(small, config(store=StoreChoice.GGUF)) as engine:
        assert len(list(engine.complete(PROMPT, GREEDY))) == GREEDY.n_predict


# -- failing


class LosableStore:
    """A store whose experts can be lost: then they lie behind the end of their file."""

    def __init__(self, store: ExpertStore) -> None:
        self._store = store
        self.lost = False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(self._store.files)

    @property
    def layers(self) -> dict[int, LayerLayout]:
        return dict(self._store.layers)

    def spans(self, key: ExpertKey) -> tuple[Span, ...]:
        spans = self._store.spans(key)
        return tuple(span._replace(offset=span.offset + (1 << 40)) for span in spans) if self.lost else spans


@pytest.fixture(params=[FLOOR, STAGED], ids=["floor", "staged"])
def losable(model: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Engine, LosableStore]]:
    options = config(budget(model, request.param))
    prepared = prepare(model, options)
    assert prepared.store is not None
    store = LosableStore(prepared.store)
    with Engine(replace(prepared, store=store), options) as engine:
        yield engine, store


def let_reads_end(engine: Engine) -> None:
    """Wait until nothing is being read: what was begun on a lost file fails with it."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while any(ResidentState.LOADING in states for states in engine.residency()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)


def test_an_unreadable_expert_ends_the_generation_and_not_the_engine(losable: tuple[Engine, LosableStore]) -> None:
    engine, store = losable
    expected = list(engine.complete(PROMPT, GREEDY))
    store.lost = True
    with pytest.raises(ExpertReadError, match=r"model\.gguf"):
        list(engine.complete("Something else altogether, which routes to other experts.", GREEDY))
    let_reads_end(engine)
    store.lost = False
    assert list(engine.complete(PROMPT, GREEDY)) == expected


def test_a_disk_that_fails_from_the_start_is_told_at_the_first_token(losable: tuple[Engine, LosableStore]) -> None:
    engine, store = losable
    store.lost = True
    for _ in range(2):
        with pytest.raises(ExpertReadError):
            next(engine.complete(PROMPT, GREEDY))
    let_reads_end(engine)
    store.lost = False
    assert len(list(engine.complete(PROMPT, GREEDY))) == GREEDY.n_predict


# -- closing


def test_closing_twice_is_harmless(model: Path) -> None:
    engine = open_model(model, config())
    engine.close()
    engine.close()


def test_a_closed_engine_refuses_to_generate(model: Path) -> None:
    with open_model(model, config()) as engine:
        begun, waiting = engine.complete(PROMPT, GREEDY), engine.complete(PROMPT, GREEDY)
        next(begun)
    for attempt in (
        lambda: next(begun),
        lambda: next(waiting),
        lambda: engine.complete(PROMPT),
        lambda: engine.chat([Message(Role.USER, "Hello")]),
    ):
        with pytest.raises(UsageError, match="closed"):
            attempt()


def test_a_closed_engine_still_tells_its_stats(model: Path) -> None:
    with open_model(model, config()) as engine:
        list(engine.complete(PROMPT, GREEDY))
        before = engine.stats()
    after = engine.stats()
    assert (after.paging, after.speed) == (before.paging, before.speed)


def test_no_thread_is_left_behind(model: Path) -> None:
    before = set(threading.enumerate())
    with open_model(model, config()) as engine:
        list(engine.complete(PROMPT, GREEDY))
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before
