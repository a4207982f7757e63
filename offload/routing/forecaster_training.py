"""Trains forecasters on traces of a model, keeping a part of the sequences aside to tell when to stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from offload.errors import UsageError
from offload.routing.path_network import PathNetwork
from offload.routing.path_samples import PathSamples
from offload.routing.path_training import MOST_WORDS, N_HIDDEN, PathTraining
from offload.routing.route_trace import RouteTrace, TraceHeader
from offload.routing.token_prior import TokenPrior
from offload.routing.token_routes import TokenRoutes, gather_routes

SEED = 4
_HELD_SHARE = 0.1
_FEWEST_TOKENS = 40
_MOST_JUDGED = 2048
_MOST_PASSES = 40
_PATIENCE = 4
_LEAST_GAIN = 2e-4
_FEWEST_STEPS = 50
_JUDGED_AT_ONCE = 256


class Split(NamedTuple):
    """Places of tokens in the order of the trace."""

    learnt: NDArray[np.int64]
    held: NDArray[np.int64]


def join_traces(traces: Sequence[RouteTrace]) -> TokenRoutes:
    """Return the tokens of all traces, one after the other; the sequences of each are its own.

    Raises:
        UsageError: they are of different models.
        TraceFileError: of reading one.
    """
    first = gather_routes(traces[0])
    parts = [first]
    for trace in traces[1:]:
        if _identity(trace.header) != _identity(first.header):
            raise UsageError(
                f"The traces are of different models: {_described(first.header)} and {_described(trace.header)}.",
                hint="Train on traces of one model file.",
            )
        parts.append(gather_routes(trace))
    starts = np.cumsum([0, *(part.n_tokens for part in parts)])
    sequences = np.cumsum([0, *(int(part.sequences.max(initial=-1)) + 1 for part in parts)])
    return replace(
        first,
        routes=np.concatenate([part.routes for part in parts], axis=1),
        token_ids=np.concatenate([part.token_ids for part in parts]),
        is_decode=np.concatenate([part.is_decode for part in parts]),
        sequences=np.concatenate([part.sequences + at for part, at in zip(parts, sequences, strict=False)]),
        previous=np.concatenate(
            [np.where(part.previous >= 0, part.previous + at, -1) for part, at in zip(parts, starts, strict=False)]
        ),
        positions=np.concatenate([part.positions for part in parts]),
    )


def split_tokens(tokens: TokenRoutes, *, seed: int = SEED) -> Split:
    """Keep a tenth of the sequences aside, drawn by `seed`; of a single one its last tenth.

    Raises:
        UsageError: there are too few tokens to learn from.
    """
    if tokens.n_tokens < _FEWEST_TOKENS:
        raise UsageError(
            f"{tokens.n_tokens} tokens are too few to train on: at least {_FEWEST_TOKENS} are needed.",
            hint="Record more answers with `offload trace --prompts`.",
        )
    numbers = np.unique(tokens.sequences)
    if len(numbers) == 1:
        held = np.arange(tokens.n_tokens) >= round(tokens.n_tokens * (1 - _HELD_SHARE))
    else:
        drawn = np.random.default_rng(seed).permutation(numbers)[: max(1, round(len(numbers) * _HELD_SHARE))]
        held = np.isin(tokens.sequences, drawn)
    return Split(np.flatnonzero(~held), np.flatnonzero(held))


def train_prior(tokens: TokenRoutes, members: NDArray[np.int64]) -> TokenPrior:
    """Return a token prior that has counted `members`."""
    header = tokens.header
    prior = TokenPrior(len(header.layers), header.n_expert, header.n_expert_used)
    by_token = tokens.routes.transpose(1, 0, 2).astype(np.int32)
    for place in in_sequences(tokens, members):
        if tokens.previous[place] < 0:
            prior.forget()
        prior.begin(int(tokens.token_ids[place]))
        for layer, experts in enumerate(by_token[place]):
            prior.routed(layer, experts)
    prior.forget()
    return prior


def in_sequences(tokens: TokenRoutes, members: NDArray[np.int64]) -> list[int]:
    """Return `members` so that those of one sequence follow each other."""
    order: list[int] = members[np.argsort(tokens.sequences[members], kind="stable")].tolist()
    return order


def train_path(
    tokens: TokenRoutes,
    split: Split,
    prior: TokenPrior,
    *,
    seconds: float,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float], None] = lambda fraction: None,
    seed: int = SEED,
    n_hidden: int = N_HIDDEN,
) -> PathNetwork | None:
    """Train the learned path on top of `prior`, which has counted the tokens that are learnt.

    It ends when the recall on the held tokens has not risen for some passes, after `seconds`, or when `stop` says so;
    the best network so far is kept. None: it was stopped before there was one.
    """
    random = np.random.default_rng(seed)
    samples = PathSamples(tokens, prior, _vocabulary(tokens.token_ids[split.learnt]))
    training = PathTraining(
        samples, split.learnt, len(tokens.routes), tokens.header.n_expert,
        seed=int(random.integers(1 << 30)), n_hidden=n_hidden,
    )  # fmt: skip
    judged = np.sort(random.permutation(split.held)[:_MOST_JUDGED])
    per_pass = max(training.steps_per_pass, _FEWEST_STEPS)
    best: PathNetwork | None = None
    best_recall, waited = -1.0, 0
    start = time.monotonic()
    for number in range(1, _MOST_PASSES * per_pass + 1):
        training.step()
        share_of_time = (time.monotonic() - start) / seconds
        ended = stop() or share_of_time >= 1.0
        on_progress(max(number / (_MOST_PASSES * per_pass), min(1.0, share_of_time)))
        if ended or number % per_pass == 0:
            recall = _recall(training, samples, judged, tokens.header.n_expert_used)
            waited = 0 if recall > best_recall + _LEAST_GAIN else waited + 1
            if recall > best_recall:
                best, best_recall = training.network(), recall
        if ended or waited == _PATIENCE:
            break
    return best


def _recall(training: PathTraining, samples: PathSamples, members: NDArray[np.int64], k: int) -> float:
    """Return the share of routed experts among the `k` likeliest: before compute, and with half of the layers known."""
    hits = total = 0.0
    middle = training.n_layer // 2
    for start in range(0, len(members), _JUDGED_AT_ONCE):
        batch = samples.batch(members[start : start + _JUDGED_AT_ONCE], learnt=False)
        for n_known in {0, middle}:
            routed = batch.routed[:, n_known:]
            named = np.argpartition(training.logits(batch, n_known)[:, n_known:], -k, axis=2)[:, :, -k:]
            hits += float(np.take_along_axis(routed, named, axis=2).sum())
            total += float(routed.sum())
    return hits / max(total, 1.0)


def _vocabulary(token_ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the token ids worth an embedding of their own, ascending: those seen most often, and more than once."""
    ids, counts = np.unique(token_ids[token_ids >= 0], return_counts=True)
    most_often = np.argsort(-counts, kind="stable")[:MOST_WORDS]
    return np.sort(ids[most_often[counts[most_often] > 1]])


def _identity(header: TraceHeader) -> tuple[object, ...]:
    return header.fingerprint, header.architecture, header.layers, header.n_expert, header.n_expert_used


def _described(header: TraceHeader) -> str:
    name = header.model_name or "a model without a name"
    return f"{name} ({len(header.layers)} layers of {header.n_expert} experts, {header.fingerprint[:8] or 'unknown'})"
