"""Examine an exported model with plain llama.cpp: ``python -m models.demo.evaluate MODEL.gguf``.

Held-out questions by kind, stories on held-out requests, answers about offload against the table of claims, perplexity on
held-out answers by domain and, with ``--reference``, how many greedy tokens are the same as those of another file of the same
model. Decoding is greedy. Exits with 1 when a target is missed.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from models.demo import exam
from models.demo.corpus import DOMAINS, IM_END, Turn, render
from models.demo.corpus.domains import ALWAYS_TRAINED
from models.demo.greedy import Answering, GreedyModel
from models.demo.scoring import StoryFault, is_on_topic, is_right, keeps_to, story_faults, untrue_sentences

RIGHT_ANSWERS = 0.90
GOOD_STORIES = 0.95
TRUE_PRODUCT_ANSWERS = 0.95
SAME_TOKENS = 0.97
QUESTIONS_PER_KIND = 50
STORIES = 100
CONVERSATIONS_PER_DOMAIN = 30
REFERENCE_PROMPTS_PER_DOMAIN = 6


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that was not as it should be."""

    ask: str
    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the report: a share of good cases, or a perplexity (``cases`` is then its tokens); a target or none."""

    name: str
    value: float
    cases: int
    target: float | None = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def missed(self) -> bool:
        """Whether there is a target and the value is below it."""
        return self.target is not None and self.value < self.target


def _share(name: str, cases: int, failures: list[Failure], target: float | None = None) -> Score:
    return Score(name, 1 - len(failures) / cases, cases, target, failures)


def question_scores(model: Answering) -> Iterator[Score]:
    """Ask the held-out questions; yield the share of right answers by kind, and of all."""
    everything: list[Failure] = []
    for kind in exam.QUESTION_KINDS:
        failures = []
        for question in exam.questions(kind, QUESTIONS_PER_KIND):
            answer = model.answer([Turn("user", question.ask)], 96).text
            if not is_right(question, answer):
                failures.append(Failure(question.ask, answer, f"expected: {question.answer}"))
        everything += failures
        yield _share(f"right answers: {kind}", QUESTIONS_PER_KIND, failures)
    yield _share("right answers", QUESTIONS_PER_KIND * len(exam.QUESTION_KINDS), everything, RIGHT_ANSWERS)


def story_scores(model: Answering) -> Iterator[Score]:
    """Have stories told; yield the share without any fault, by fault, and of those that keep to the request."""
    bad: list[Failure] = []
    astray: list[Failure] = []
    by_fault: Counter[StoryFault] = Counter()
    for request in exam.story_requests(STORIES):
        answer = model.answer([Turn("user", request.ask)], 384)
        faults = story_faults(answer.text, request.ask, ended=answer.ended)
        by_fault.update(faults)
        if faults:
            bad.append(Failure(request.ask, answer.text, ", ".join(sorted(fault.value for fault in faults))))
        wanted = [part.name for part in (request.place, request.thing) if part]
        if not keeps_to(answer.text, *wanted):
            astray.append(Failure(request.ask, answer.text, f"expected: {wanted}"))
    for fault in StoryFault:
        yield Score(f"stories: {fault.value}", by_fault[fault] / STORIES, STORIES)
    yield _share("stories: keep to place and thing", STORIES, astray)
    yield _share("good stories", STORIES, bad, GOOD_STORIES)


def product_scores(model: Answering) -> Iterator[Score]:
    """Ask about offload; yield the share of answers of true claims alone, and of those on the topic."""
    untrue, astray = [], []
    asked = exam.product_questions()
    for question in asked:
        answer = model.answer([Turn("user", question.ask)]).text
        if wrong := untrue_sentences(answer):
            untrue.append(Failure(question.ask, answer, f"no claim: {wrong}"))
        if not is_on_topic(answer, question.topic):
            astray.append(Failure(question.ask, answer, f"expected: {question.topic.answer[0][0]}"))
    yield _share("answers about offload: on topic", len(asked), astray)
    yield _share("answers about offload: true", len(asked), untrue, TRUE_PRODUCT_ANSWERS)


def perplexity_scores(model: GreedyModel) -> Iterator[Score]:
    """Yield the perplexity per domain: of the first answer in held-out conversations, its end included."""
    for domain in (name for name in DOMAINS if name not in ALWAYS_TRAINED):
        losses: list[float] = []
        for turns in exam.held_out_openings(domain, CONVERSATIONS_PER_DOMAIN):
            asked = model.tokenize(render(turns[:-1], add_generation_prompt=True))
            said = model.tokenize(turns[-1].text + IM_END)
            logits = model.logits(asked + said)[len(asked) - 1 : -1].astype(np.float64)
            peak = logits.max(-1, keepdims=True)
            logs = logits - peak - np.log(np.exp(logits - peak).sum(-1, keepdims=True))
            losses += [-float(row[token]) for row, token in zip(logs, said, strict=True)]
        yield Score(f"perplexity: {domain}", float(np.exp(np.mean(losses))), len(losses))


def same_token_score(model: GreedyModel, reference: GreedyModel) -> Score:
    """Return the share of the reference's greedy tokens that are the model's too, along the reference's own text."""
    same = total = 0
    for domain in (name for name in DOMAINS if name not in ALWAYS_TRAINED):
        for turns in exam.held_out_openings(domain, REFERENCE_PROMPTS_PER_DOMAIN):
            asked = model.tokenize(render(turns[:-1], add_generation_prompt=True))
            answer = reference.answer(turns[:-1])
            said = answer.ids + model.tokenize(IM_END) * answer.ended
            best = model.logits(asked + said)[len(asked) - 1 : -1].argmax(-1)
            same += int((best == np.array(said)).sum())
            total += len(said)
    return Score("same greedy tokens as the reference", same / total, total, SAME_TOKENS)


def table(scores: list[Score]) -> str:
    """Return the scores as text, one a line, with the targets that were reached or missed."""
    lines = []
    for score in scores:
        value = f"{score.value:8.2f}" if score.name.startswith("perplexity") else f"{score.value:8.1%}"
        target = (
            "" if score.target is None else f"  target {score.target:.0%}: {'MISSED' if score.missed else 'reached'}"
        )
        lines.append(f"{score.name:44}{value}  of {score.cases}{target}")
    return "\n".join(lines)


def main() -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="GGUF file")
    parser.add_argument("--reference", type=Path, help="the same model in F16, to compare greedy tokens with")
    parser.add_argument("--json", type=Path, help="write the scores and every failure here")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    model = GreedyModel(args.model, args.threads)
    scores = [*question_scores(model), *story_scores(model), *product_scores(model), *perplexity_scores(model)]
    if args.reference:
        scores.append(same_token_score(model, GreedyModel(args.reference, args.threads)))
    print(table(scores))
    if args.json:
        args.json.write_text(json.dumps([asdict(score) for score in scores], indent=1, ensure_ascii=False), "utf-8")
    return int(any(score.missed for score in scores))


if __name__ == "__main__":
    sys.exit(main())
