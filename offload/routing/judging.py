"""Judges a blend and its parts along a trace: they learn of a token layer by layer, and are asked ahead of it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from offload.routing.blend import Blend
from offload.routing.forecaster import Forecaster
from offload.routing.report_card import BEFORE, ReportCard
from offload.routing.route_trace import UNKNOWN, Phase, RouteStep, RouteTrace

LONGEST_LEAD = 3

_Forecasts = dict[tuple[str, int], NDArray[np.float32]]
"""Scores of one layer, by forecaster and lead."""


def judge_blend(
    trace: RouteTrace,
    blend: Blend,
    *,
    longest_lead: int = LONGEST_LEAD,
    only_decode: bool = True,
    on_tokens: Callable[[int], bool] = lambda n: True,
) -> ReportCard:
    """Drive `blend` along a trace; judge it and its parts on the decoded tokens, or on all.

    Ends early when `on_tokens`, told after each step how many tokens are done, returns False.

    Raises:
        TraceFileError: of reading the trace.
    """
    header = trace.header
    card = ReportCard(len(header.layers), header.n_expert, header.n_expert_used)
    sequence, n_done = -1, 0
    for step in trace.steps():
        if step.sequence != sequence:
            sequence = step.sequence
            blend.forget()
        is_judged = step.phase is Phase.DECODE or not only_decode
        for row in range(len(step.tokens)):
            _judge_token(card, blend, step, row, longest_lead if is_judged else -1)
        n_done += len(step.tokens)
        if not on_tokens(n_done):
            break
    return card


def _judge_token(card: ReportCard, blend: Blend, step: RouteStep, row: int, longest_lead: int) -> None:
    n_layer = len(step.routes)
    blend.begin(int(step.tokens[row]))
    calibrated = {forecaster.name for forecaster in (blend, *blend.parts) if forecaster.gives_probabilities}
    forecasts: list[_Forecasts] = [{} for _ in range(n_layer)]
    if longest_lead >= 0:
        for layer in range(n_layer):
            _ask(forecasts[layer], blend, layer, BEFORE)
    for layer in range(n_layer):
        experts = step.routes[layer, row].astype(np.int32)
        if experts[0] == UNKNOWN:
            break
        for (name, lead), scores in forecasts[layer].items():
            card.judge(name, lead, layer, scores, experts, are_probabilities=name in calibrated)
        blend.routed(
            layer,
            experts,
            None if step.weights is None else step.weights[layer, row].astype(np.float32),
            None if step.inputs is None else step.inputs[layer, row].astype(np.float32),
        )
        for lead in range(1, min(longest_lead, n_layer - 1 - layer) + 1):
            _ask(forecasts[layer + lead], blend, layer + lead, lead)
    blend.learn()


def _ask(forecasts: _Forecasts, blend: Blend, layer: int, lead: int) -> None:
    asked: tuple[Forecaster, ...] = (blend, *blend.parts)
    for forecaster in asked:
        scores = forecaster.scores(layer)
        if scores is not None:
            forecasts[forecaster.name, lead] = scores.copy()
