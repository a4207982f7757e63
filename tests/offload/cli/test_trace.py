"""`offload trace`, with the real engine: what it writes is what the model routed."""

from pathlib import Path

import numpy as np
import pytest

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.cli import trace
from offload.cli.interrupt import EXIT_INTERRUPTED, Interrupt
from offload.cli.main import main
from offload.routing.open_trace import open_trace
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep

TEXT = "The quick brown fox jumps over the lazy dog. " * 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_model(tmp_path_factory.mktemp("trace") / "model.gguf", TinyArchitecture.QWEN3MOE)


def run(model: Path, *arguments: str) -> int:
    return main(["trace", "-m", str(model), "--memory", "2G", "-c", "128", "-t", "1", "--temp", "0", *arguments])


def steps(path: Path) -> list[RouteStep]:
    return list(open_trace(path).steps())


def test_a_text_is_traced_whole(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "text.routes"
    text.write_text(TEXT)
    assert run(model, "-f", str(text), "-o", str(out)) == 0
    found = steps(out)
    n_tokens = sum(len(step.tokens) for step in found)
    assert n_tokens > 128
    assert {step.phase for step in found} == {Phase.PREFILL}
    assert f"{n_tokens} tokens, {found[-1].sequence + 1} sequences" in capsys.readouterr().err


def test_the_last_layer_of_a_text_is_traced_for_every_token(model: Path, tmp_path: Path) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "text.routes"
    text.write_text(TEXT)
    assert run(model, "-f", str(text), "-p", TEXT[:100], "-n", "2", "--inputs", "-o", str(out)) == 0
    for step in steps(out):
        assert (step.routes != UNKNOWN).all()
        assert step.inputs is not None
        assert step.inputs.any(axis=-1).all()


def test_every_prompt_is_a_sequence_with_its_answer(model: Path, tmp_path: Path) -> None:
    prompts, out = tmp_path / "prompts.txt", tmp_path / "answers.routes"
    prompts.write_text("Hello!\n\nWho are you?\n")
    assert run(model, "-p", "Hi", "--prompts", str(prompts), "-n", "5", "--ignore-eos", "-o", str(out)) == 0
    found = steps(out)
    decoded = [step for step in found if step.phase is Phase.DECODE]
    assert [sum(step.sequence == n for step in decoded) for n in range(3)] == [4, 4, 4]
    assert all((step.routes != UNKNOWN).all() for step in decoded)
    assert all(step.weights is not None and np.allclose(step.weights.sum(-1), 1, atol=0.01) for step in decoded)


def test_router_inputs_are_recorded_where_asked_for(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "inputs.routes"
    assert run(model, "-p", "Hi", "--raw", "-n", "3", "--ignore-eos", "--inputs", "-o", str(out)) == 0
    assert open_trace(out).header.n_embd > 0
    assert all(step.inputs is not None and step.inputs.any() for step in steps(out))


def test_what_was_recorded_before_an_interrupt_is_kept(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "interrupted.routes"

    class Impatient(Interrupt):
        def on_request(self, action: object) -> None:
            self.requested = self.requested or action is None  # the first answer is whole, then the user has enough

    monkeypatch.setattr(trace, "Interrupt", Impatient)
    assert run(model, "-p", "Hi", "-p", "Ho", "-n", "3", "--ignore-eos", "-o", str(out)) == EXIT_INTERRUPTED
    assert {step.sequence for step in steps(out)} == {0}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "nothing to trace"),
        (["-f", "missing.txt"], 2, "missing.txt cannot be read"),
        (["--prompts", "missing.txt"], 2, "missing.txt cannot be read"),
    ],
)
def test_bad_arguments_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    out = tmp_path / "none.routes"
    assert run(model, *arguments, "-o", str(out)) == code
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_a_dense_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dense = build_tiny_model(tmp_path / "dense.gguf", TinyArchitecture.DENSE)
    assert run(dense, "-p", "Hi", "-o", str(tmp_path / "dense.routes")) == 2
    assert "routes nothing" in capsys.readouterr().err
    assert list(tmp_path.glob("dense.routes*")) == []


def test_a_folder_that_is_not_there_is_told(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, "-p", "Hi", "-o", str(tmp_path / "nowhere" / "x.routes")) == 1
    assert "nowhere" in capsys.readouterr().err
