"""CSV traces become steps; what is wrong in one is named with its line."""

from pathlib import Path

import numpy as np
import pytest

from offload.errors import TraceFileError
from offload.routing.csv_trace import COLUMNS, CsvTrace, read_csv_trace
from offload.routing.route_trace import UNKNOWN, Phase

HEAD = (
    "# route_trace v1",
    "# model=/some/where/m.gguf arch=qwen3moe n_layer=3 n_expert=8 n_expert_used=2",
    "# layer=0 expert_bytes=100 dense_bytes=7",
    "# layer=1 expert_bytes=200 dense_bytes=7",
    "# layer=2 expert_bytes=300 dense_bytes=7",
    COLUMNS,
)


def token(turn: int, phase: int, step: int, layer: int, *experts: int) -> list[str]:
    return [
        f"{turn},{phase},{step},{layer},{slot},{expert},{0.5 / (slot + 1)},1,100" for slot, expert in enumerate(experts)
    ]


PROMPT = [
    *token(0, 0, 0, 0, 1, 2),
    *token(0, 0, 1, 0, 3, 4),
    *token(0, 0, 0, 1, 5, 6),
    *token(0, 0, 1, 1, 7, 0),
    # The last layer computes only the last token of a prompt.
    *token(0, 0, 1, 2, 2, 1),
]
DECODED = [row for step in (2, 3) for layer in range(3) for row in token(0, 1, step, layer, step, layer + 4)]


def read(tmp_path: Path, rows: list[str], head: tuple[str, ...] = HEAD) -> CsvTrace:
    path = tmp_path / "trace.csv"
    path.write_text("\n".join((*head, *rows)) + "\n", encoding="utf-8")
    return read_csv_trace(path)


def refusal(tmp_path: Path, rows: list[str], head: tuple[str, ...] = HEAD) -> TraceFileError:
    with pytest.raises(TraceFileError) as caught:
        list(read(tmp_path, rows, head).steps())
    return caught.value


def test_the_head_becomes_the_header(tmp_path: Path) -> None:
    header = read(tmp_path, []).header
    assert (header.model_name, header.architecture) == ("m.gguf", "qwen3moe")
    assert (header.n_expert, header.n_expert_used, header.layers) == (8, 2, (0, 1, 2))
    assert header.expert_bytes == (100, 200, 300)
    assert (header.n_embd, header.has_weights) == (0, True)


def test_layers_without_experts_are_not_in_the_header(tmp_path: Path) -> None:
    assert read(tmp_path, [], tuple(line for line in HEAD if "layer=0" not in line)).header.layers == (1, 2)


def test_a_prompt_is_one_step(tmp_path: Path) -> None:
    (step,) = read(tmp_path, PROMPT).steps()
    assert (step.sequence, step.phase) == (0, Phase.PREFILL)
    assert step.tokens.tolist() == [-1, -1]
    assert step.routes.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 0]], [[UNKNOWN, UNKNOWN], [2, 1]]]
    assert step.weights is not None
    assert step.weights[0].tolist() == [[0.5, 0.25]] * 2


def test_every_decoded_token_is_a_step(tmp_path: Path) -> None:
    steps = list(read(tmp_path, PROMPT + DECODED).steps())
    assert [step.phase for step in steps] == [Phase.PREFILL, Phase.DECODE, Phase.DECODE]
    assert [step.routes[0, 0].tolist() for step in steps[1:]] == [[2, 4], [3, 4]]


def test_a_prompt_in_two_batches_is_two_steps(tmp_path: Path) -> None:
    second = [row for layer in range(3) for row in token(0, 0, 2, layer, 0, 1)]
    assert [len(step.tokens) for step in read(tmp_path, PROMPT + second).steps()] == [2, 1]


def test_turns_are_sequences(tmp_path: Path) -> None:
    rows = token(0, 1, 0, 0, 1, 2) + token(1, 1, 0, 0, 1, 2)
    assert [step.sequence for step in read(tmp_path, rows).steps()] == [0, 1]


def test_decoded_tokens_of_one_layer_are_not_joined(tmp_path: Path) -> None:
    rows = token(0, 1, 5, 1, 1, 2) + token(0, 1, 6, 1, 1, 2)
    assert [len(step.tokens) for step in read(tmp_path, rows).steps()] == [1, 1]


def test_it_is_iterated_again(tmp_path: Path) -> None:
    trace = read(tmp_path, PROMPT + DECODED)
    assert [np.array_equal(a.routes, b.routes) for a, b in zip(trace.steps(), trace.steps(), strict=True)] == [True] * 3


ROWS = [
    ("0,0,0,0,0,1,0.5,1", "8 columns"),
    ("0,0,0,0,0,x,0.5,1,1", "a number of this row is none"),
    ("0,0,0,0,0,1,,1,1", "a number of this row is none"),
    ("0,0,0,0,0," + "9" * 5000 + ",0.5,1,1", "a number of this row is none"),
    ("0,2,0,0,0,1,0.5,1,1", "phase 2"),
    ("-1,0,0,0,0,1,0.5,1,1", "turn -1"),
    ("0,0,0,3,0,1,0.5,1,1", "layer 3 is none of the layers"),
    ("0,0,0,0,2,1,0.5,1,1", "slot 2 is not within 0 to 1"),
    ("0,0,0,0,0,8,0.5,1,1", "expert 8 is not within 0 to 7"),
    ("0,0,0,0,0,1,nan,1,1", "weight nan"),
    ("0,0,0,0,0,1,1e9,1,1", "weight 1e9"),
    ("0,0,1,2,1,1,0.5,1,1", "slot 1 does not come after slot 1"),
    ("1,0," + "0" * 9000, "longer than 8192"),
]


@pytest.mark.parametrize(("row", "trouble"), ROWS)
def test_a_malformed_row_is_named_with_its_line(tmp_path: Path, row: str, trouble: str) -> None:
    error = refusal(tmp_path, [*PROMPT, row])
    assert trouble in error.message
    assert error.line == len(HEAD) + len(PROMPT) + 1
    assert str(error).startswith(f"{tmp_path / 'trace.csv'}, line {error.line}: ")


def test_an_expert_that_a_token_has_already_is_refused(tmp_path: Path) -> None:
    assert "routed to expert 1 twice" in refusal(tmp_path, token(0, 0, 0, 0, 1, 1)).message


HEADS = [
    (("# route_trace v2", *HEAD[1:]), 1, "format 'route_trace v2'"),
    (("turn,phase",), 1, "does not begin with"),
    (HEAD[:-1], 5, "ends before the names"),
    ((*HEAD[:-1], "turn,phase,step"), 6, "here should be the names"),
    ((HEAD[0], HEAD[-1]), 2, "names no number n_layer"),
    ((HEAD[0], *HEAD[2:]), 5, "names no number n_expert"),
    ((HEAD[0], HEAD[1].replace("n_expert_used=2", "n_expert_used=9"), *HEAD[2:]), 6, "9 of 8 experts"),
    ((*HEAD[:2], "# layer=600 expert_bytes=1", HEAD[-1]), 3, "layer 600"),
    ((*HEAD[:2], "# layer=1", HEAD[-1]), 3, "no number expert_bytes"),
    ((HEAD[0], "# n_layer=" + "9" * 15 + " n_expert=8 n_expert_used=2", HEAD[-1]), 3, "513 layers"),
]


@pytest.mark.parametrize(("head", "line", "trouble"), HEADS)
def test_a_malformed_head_is_named_with_its_line(
    tmp_path: Path, head: tuple[str, ...], line: int, trouble: str
) -> None:
    error = refusal(tmp_path, [], head)
    assert trouble in error.message
    assert error.line == line


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TraceFileError, match="No such file or directory"):
        read_csv_trace(tmp_path / "no.csv")
