"""The bytes read for 16 prompts one by one and in a batch, and whether the answers are the same.

Both have the same memory for experts; what the batch's contexts take comes on top, and is shown. With --memory both
have the same budget instead. Every run is a fresh process.

Exit codes: 0 all ran and all answers agree (whatever the ratio), 1 answers differ, 2 usage.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from offload.bytesize import format_bytes, parse_bytes
from offload.config import BatchPrompt, EngineConfig, GenerationParams, Message, Role
from offload.engine import open_model
from offload.engine_parts import prepare
from offload.errors import OffloadError, UsageError

TARGET_RATIO = 1.5
QUESTIONS = (
    "What is 23 + 48?",
    "Tell me a story about a fox and a lantern.",
    "What is the capital of France?",
    "What is the opposite of cold?",
    "Tell me a story about a girl named Lily and a boat.",
    "What is 91 - 37?",
    "Who are you?",
    "Write a Python function that adds two numbers.",
    "Erzähle mir eine Geschichte von einem Hund.",
    "How many days are in a week?",
    "Tell me a story about a dog in the snow.",
    "What color is the sky?",
    "What is the capital of Japan?",
    "What is 12 * 7?",
    "Tell me a short story about a baker.",
    "How do I limit the memory?",
)


@dataclass(frozen=True, slots=True)
class Task:
    """What is run: the same for one by one and for the batch, but for `n_parallel`."""

    model: Path | None
    memory_bytes: int | None
    """Budget; None: `share` decides."""
    share: float
    """Of what all experts take, what slots and staging have."""
    n_predict: int
    n_parallel: int
    n_threads: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    n_slots: int
    """Of a layer, while decoding."""
    n_expert: int
    bytes_read: int
    hit_rate: float
    sequences_bytes: int
    """What the contexts take, KV cache and compute buffers."""
    n_tokens: int
    answers: tuple[object, ...]


def run(task: Task) -> Outcome:
    """Answer all questions in this process.

    Raises:
        UsageError: whatever went wrong; it can be handed on to another process.
    """
    try:
        return _run(task)
    except OffloadError as error:
        raise UsageError(str(error)) from None


def _run(task: Task) -> Outcome:
    config = EngineConfig(memory="1T", n_ctx=512, n_batch=128, n_ubatch=128, n_threads=task.n_threads)
    memory = task.memory_bytes
    if memory is None:
        needs = prepare(task.model, config, task.n_parallel).needs
        expert_bytes = sum(layout.n_expert * layout.slot_bytes for layout in needs.layers.values())
        memory = needs.fixed_bytes + round(task.share * expert_bytes)
    prompts = [
        BatchPrompt(
            (Message(Role.USER, question),), GenerationParams(n_predict=task.n_predict, temperature=0.8, seed=seed)
        )
        for seed, question in enumerate(QUESTIONS)
    ]
    with open_model(task.model, replace(config, memory=memory), n_parallel=task.n_parallel) as engine:
        if engine.chat_template is None:
            prompts = [replace(prompt, content=text) for prompt, text in zip(prompts, QUESTIONS, strict=True)]
        answers = list(engine.batch(prompts))
        paging = engine.stats().paging
        return Outcome(
            n_slots=min(engine.plan.capacity.values(), default=0),
            n_expert=engine.plan.n_expert,
            bytes_read=paging.bytes_read,
            hit_rate=paging.hit_rate,
            sequences_bytes=engine.plan.kv_bytes + engine.plan.compute_bytes,
            n_tokens=sum(answer.n_prompt + answer.n_generated for answer in answers),
            answers=tuple((answer.text, answer.finish_reason, str(answer.error)) for answer in answers),
        )


def in_fresh_process(task: Task) -> Outcome:
    """Answer all questions in a process that has loaded nothing yet."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, (task,))


def line_of(name: str, outcome: Outcome) -> str:
    """Return one line of the report."""
    return (
        f"  {name:<12}{outcome.n_slots:>3} of {outcome.n_expert} slots  {format_bytes(outcome.bytes_read):>10} read  "
        f"{format_bytes(outcome.bytes_read // outcome.n_tokens):>10} a token  hit rate {outcome.hit_rate:.2f}  "
        f"contexts {format_bytes(outcome.sequences_bytes)}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__.partition("\n")[0])
    parser.add_argument("-m", "--model", type=Path, help="GGUF model; without it the demo model")
    parser.add_argument("--memory", type=parse_bytes, help="the budget of both")
    parser.add_argument("--share", type=float, nargs="+", default=[0.25, 0.5], help="experts' memory, of all experts'")
    parser.add_argument("-np", "--parallel", type=int, nargs="+", default=[len(QUESTIONS)], help="prompts at a time")
    parser.add_argument("-n", "--predict", type=int, default=48, help="tokens of an answer, at most")
    parser.add_argument("-t", "--threads", type=int, default=0)
    args = parser.parse_args(argv)
    agree = True
    try:
        for share in args.share if args.memory is None else [0.0]:
            task = Task(args.model, args.memory, share, args.predict, 1, args.threads)
            budget = format_bytes(args.memory) if args.memory is not None else f"{share:.0%} of the experts"
            print(f"{len(QUESTIONS)} prompts, {budget}")
            alone = in_fresh_process(task)
            print(line_of("one by one", alone), flush=True)
            for n_parallel in args.parallel:
                together = in_fresh_process(replace(task, n_parallel=n_parallel))
                print(line_of(f"batch of {n_parallel}", together))
                ratio = alone.bytes_read / max(1, together.bytes_read)
                same = together.answers == alone.answers
                agree &= same
                verdict = "PASS" if ratio >= TARGET_RATIO else "MISS"
                answers = "the same answers" if same else "OTHER ANSWERS"
                print(f"  {verdict}: {ratio:.2f} times fewer bytes (target {TARGET_RATIO}), {answers}", flush=True)
    except UsageError as error:
        print(f"bench.batch: {error}", file=sys.stderr)
        return 2
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
