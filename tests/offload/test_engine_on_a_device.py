"""The engine with its experts on a device, the processor standing in for one: answers, counts, both budgets, errors."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.devices import everything_is_given_back, make_breakable
from fakes.tiny_models import ExpertTypes, TinyArchitecture, build_tiny_model
from offload import engine_needs, engine_parts
from offload.config import BatchPrompt, EngineConfig, FinishReason, GenerationParams, Message, OnMiss, Role, Token
from offload.engine import Engine, open_model, plan_model
from offload.errors import BudgetError, DeviceError
from offload.experts.tiered_source import TierCounts
from offload.forecast_state import state_path
from offload.ggml.paged_weights import ComputeNative, GraphOutcome
from offload.machine import ResidentMemory
from offload.paged_model import PagedModel

MIB = 1 << 20
GREEDY = GenerationParams(n_predict=24, temperature=0.0, ignore_eos=True)
PROMPT = "The answer to the question is in the other one, and the rest of it follows."
PROMPTS = [
    BatchPrompt(text, GREEDY) for text in ("The answer", "One more of it", "Question", "And the rest follows", PROMPT)
]
CPU = EngineConfig(memory="2G", device="cpu", n_ctx=256, n_ubatch=32, n_threads=1)
DEVICE = replace(CPU, device="stand-in", vram="24M")
"""Half of the experts, and no room for staging."""
STAGED = replace(DEVICE, vram="30M")
"""Staging, and a tenth of the experts."""
PART_BYTES = 128 << 10


@pytest.fixture(autouse=True)
def _steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (engine_needs, engine_parts):
        monkeypatch.setattr(module, "resident_memory", lambda: ResidentMemory(200 * MIB, 200 * MIB))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 64 experts of 384 KiB, so that budgets make a difference."""
    path = tmp_path_factory.mktemp("device") / "model.gguf"
    return build_tiny_model(path, TinyArchitecture.QWEN3MOE, ExpertTypes.F16, n_layer=2, n_expert=64, n_expert_used=2)


@pytest.fixture(scope="module")
def expected(model: Path) -> list[Token]:
    with open_model(model, CPU) as engine:
        return list(engine.complete(PROMPT, GREEDY))


def paged_of(engine: Engine) -> PagedModel:
    assert engine._opened.paged is not None
    return engine._opened.paged


def tiers_of(engine: Engine) -> TierCounts:
    counts = paged_of(engine).tier_counts()
    assert counts is not None
    return counts


# -- answers


@pytest.mark.parametrize("on_miss", OnMiss, ids=lambda on_miss: str(on_miss.value))
@pytest.mark.parametrize("config", [DEVICE, STAGED], ids=["unstaged", "staged"])
def test_the_text_is_the_cpu_s(model: Path, expected: list[Token], config: EngineConfig, on_miss: OnMiss) -> None:
    with open_model(model, replace(config, on_miss=on_miss)) as engine:
        assert engine.plan.resident_share < 1
        assert (engine.plan.staged_capacity is not None) == (config is STAGED)
        assert list(engine.complete(PROMPT, GREEDY)) == expected
        engine.forget()
        assert list(engine.complete(PROMPT, GREEDY)) == expected
        assert everything_is_given_back(paged_of(engine))


def test_a_conversation_goes_on(model: Path) -> None:
    def talk(engine: Engine) -> list[list[Token]]:
        messages, answers = [], []
        for question in ("The answer", "One more of it"):
            messages.append(Message(Role.USER, question))
            answers.append(list(engine.chat(messages, GREEDY)))
            messages.append(Message(Role.ASSISTANT, "".join(token.text for token in answers[-1])))
        return answers

    with open_model(model, CPU) as engine:
        said = talk(engine)
    with open_model(model, replace(STAGED, on_miss=OnMiss.COMPUTE)) as engine:
        assert talk(engine) == said


@pytest.mark.parametrize("on_miss", OnMiss, ids=lambda on_miss: str(on_miss.value))
@pytest.mark.parametrize("n_parallel", [2, 4])
def test_a_batch_gives_the_answers_that_prompts_get_alone(model: Path, n_parallel: int, on_miss: OnMiss) -> None:
    with open_model(model, CPU) as engine:
        alone = [answer.text for answer in engine.batch(PROMPTS)]
    with open_model(model, replace(STAGED, on_miss=on_miss), n_parallel=n_parallel) as engine:
        assert engine.plan.n_parallel == n_parallel
        assert [answer.text for answer in engine.batch(PROMPTS)] == alone
        assert everything_is_given_back(paged_of(engine))


def test_a_stopped_answer_can_be_asked_for_again(model: Path, expected: list[Token]) -> None:
    with open_model(model, replace(STAGED, on_miss=OnMiss.COMPUTE)) as engine:
        steps = engine.complete(PROMPT, GREEDY)
        next(steps)
        engine.stop()
        *_, last = steps
        assert last.finish_reason is FinishReason.CANCELLED
        engine.forget()
        assert list(engine.complete(PROMPT, GREEDY)) == expected
        assert everything_is_given_back(paged_of(engine))


# -- errors


def test_a_device_that_refuses_ends_the_answer_and_the_next_is_whole(model: Path, expected: list[Token]) -> None:
    with open_model(model, DEVICE) as engine:
        device = make_breakable(paged_of(engine))
        device.broken = lambda what: True
        with pytest.raises(DeviceError, match="no answer"):
            list(engine.complete(PROMPT, GREEDY))
        device.broken = lambda what: False
        assert list(engine.complete(PROMPT, GREEDY)) == expected


@pytest.mark.parametrize("config", [DEVICE, STAGED], ids=["unstaged", "staged"])
@pytest.mark.parametrize("n_good", [0, 150])
def test_a_step_that_fails_ends_the_answers_under_way_and_no_others(
    model: Path, config: EngineConfig, n_good: int
) -> None:
    with open_model(model, CPU) as engine:
        alone = [answer.text for answer in engine.batch(PROMPTS)]
    with open_model(model, config, n_parallel=2) as engine:
        paged = paged_of(engine)
        device, weights = make_breakable(paged), paged.weights
        compute, failed = weights.compute_together, False

        def watched(graphs: Sequence[int], natives: Sequence[ComputeNative]) -> list[GraphOutcome]:
            nonlocal failed
            outcomes = compute(graphs, natives)
            failed = failed or any(outcome.error is not None for outcome in outcomes)
            return outcomes

        weights.compute_together = watched  # type: ignore[method-assign]
        device.broken = lambda what: not failed and device.n_done["write"] >= n_good
        answers = list(engine.batch(PROMPTS))
        wrong = [answer.index for answer in answers if answer.error is not None]
        assert 1 <= len(wrong) <= 2
        assert all(isinstance(answers[index].error, DeviceError) for index in wrong)
        for index in set(range(len(PROMPTS))).difference(wrong):
            assert answers[index].text == alone[index]
        assert everything_is_given_back(paged)


@pytest.mark.parametrize(("memory", "vram", "named"), [("2G", "1M", "--vram"), ("100M", "30M", "--memory")])
def test_the_memory_that_is_too_small_is_named(model: Path, memory: str, vram: str, named: str) -> None:
    with pytest.raises(BudgetError, match=named) as caught:
        open_model(model, replace(DEVICE, memory=memory, vram=vram))
    assert caught.value.exit_code == 5
    assert caught.value.budget_bytes < caught.value.floor_bytes


# -- forecasts


def test_what_forecasts_learn_of_a_model_on_a_device_is_kept(
    model: Path, expected: list[Token], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with open_model(model, replace(STAGED, on_miss=OnMiss.COPY)) as engine:
        assert engine.stats().forecast is not None
        assert list(engine.complete(PROMPT, GREEDY)) == expected
        file = state_path(engine.trace_header())
        assert not file.exists()
    assert file.exists()
    with open_model(model, replace(STAGED, on_miss=OnMiss.COPY)) as engine:
        assert list(engine.complete(PROMPT, GREEDY)) == expected


def test_where_the_cpu_computes_rows_nothing_is_forecast(model: Path) -> None:
    """What the device holds shall depend on the routes alone."""
    with open_model(model, replace(STAGED, on_miss=OnMiss.COMPUTE)) as engine:
        assert engine.stats().forecast is None


# -- what is counted


@pytest.fixture
def copying(model: Path) -> Iterator[Engine]:
    with open_model(model, replace(DEVICE, forecast=False, on_miss=OnMiss.COPY)) as engine:
        list(engine.complete(PROMPT, GREEDY))
        yield engine


def test_what_is_uploaded_is_read_or_lay_in_memory(copying: Engine) -> None:
    tiers, use = tiers_of(copying), copying.stats().paging
    n_parts = tiers.host.hits + tiers.host.misses
    assert use.bytes_uploaded == tiers.bytes_uploaded == n_parts * PART_BYTES
    assert use.bytes_read == tiers.bytes_read >= tiers.host.misses * PART_BYTES
    assert use.bytes_uploaded >= 3 * use.misses * PART_BYTES
    assert (use.host_hits, use.host_misses, use.cpu_rows) == (tiers.host.hits, tiers.host.misses, 0)


def test_nothing_is_read_twice_where_memory_holds_everything(copying: Engine) -> None:
    read = copying.stats().paging.bytes_read
    before = copying.stats().paging.misses
    copying.forget()
    list(copying.complete(PROMPT, GREEDY))
    assert copying.stats().paging.misses > before
    assert copying.stats().paging.bytes_read == read
    assert copying.stats().paging.host_hits > 0


def test_rows_of_the_cpu_are_counted_by_their_experts(model: Path) -> None:
    with open_model(model, replace(DEVICE, on_miss=OnMiss.COMPUTE)) as engine:
        list(engine.complete(PROMPT, GREEDY))
        use, tiers = engine.stats().paging, tiers_of(engine)
        assert use.cpu_rows % 3 == 0 < use.cpu_rows
        assert use.bytes_uploaded + use.cpu_rows * PART_BYTES == (tiers.host.hits + tiers.host.misses) * PART_BYTES


def test_slots_are_those_of_the_device(copying: Engine) -> None:
    plan, use = copying.plan, copying.stats().paging
    assert use.n_slots == sum(plan.capacity.values()) < 128
    assert plan.device is not None
    assert plan.device.total_bytes <= plan.device.budget_bytes
    assert plan.total_bytes <= plan.budget_bytes
    assert (plan.slot_bytes, plan.staging_bytes) == (0, 0)


@pytest.mark.parametrize("on_miss", OnMiss, ids=lambda on_miss: str(on_miss.value))
def test_both_budgets_are_kept(model: Path, on_miss: OnMiss) -> None:
    """In a process of its own: the memory of the device that is stood in for is the process's too."""
    program = f"""
from pathlib import Path
from offload.config import EngineConfig, GenerationParams, OnMiss
from offload.engine import open_model, plan_model
model, options = Path({str(model)!r}), dict(n_ctx=256, n_ubatch=32, n_threads=1, device="stand-in", vram="30M")
plan = plan_model(model, EngineConfig(memory="2G", **options))
budget = plan.total_bytes - plan.host_bytes + {20 * MIB}
with open_model(model, EngineConfig(memory=budget, on_miss=OnMiss({on_miss.value!r}), **options)) as engine:
    assert 0 < engine.plan.host_bytes < {21 * MIB}
    for start in range(3):
        list(engine.complete({PROMPT!r}[start:], GenerationParams(n_predict=30, temperature=0.0, ignore_eos=True)))
    memory = engine.stats().memory
    print(memory.peak_bytes, memory.budget_bytes + engine.plan.device.total_bytes)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    peak, promised = map(int, done.stdout.split())
    assert 0 < peak <= promised


def test_a_dense_model_is_computed_with_a_device_too(tmp_path: Path) -> None:
    path = build_tiny_model(tmp_path / "model.gguf", TinyArchitecture.DENSE)
    with open_model(path, CPU) as engine:
        expected = list(engine.complete(PROMPT, GREEDY))
    with open_model(path, DEVICE) as engine:
        assert list(engine.complete(PROMPT, GREEDY)) == expected
        assert engine.stats().paging.bytes_uploaded == 0
    plan = plan_model(path, DEVICE)
    assert plan.device is not None
    with pytest.raises(BudgetError, match="--vram"):
        open_model(path, replace(DEVICE, vram=plan.device.floor_bytes - 1))


def test_an_engine_that_does_not_fit_once_loaded_leaves_nothing_open(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_parts, "resident_memory", lambda: ResidentMemory(4 << 30, 4 << 30))
    with pytest.raises(BudgetError, match="--memory"):
        open_model(model, DEVICE)
    monkeypatch.undo()
    with open_model(model, DEVICE) as engine:
        list(engine.complete(PROMPT, GREEDY))
        engine.close()
        engine.close()
