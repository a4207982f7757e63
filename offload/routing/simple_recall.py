"""Recall of the simplest forecasts, each of what it had seen by then: share of the routed experts it named.

Recalls are [n_layer], nan where nothing could be forecast. A forecast names as many experts as a token uses, except
the previous path, which names those that the previous token used.
"""

import numpy as np
from numpy.typing import NDArray

from offload.routing.route_trace import UNKNOWN
from offload.routing.token_routes import TokenRoutes

_CHUNK_TOKENS = 1024
_TABLE_CELLS = 1 << 26


def previous_path_recall(tokens: TokenRoutes, *, decode_only: bool) -> NDArray[np.float64]:
    """Forecast the experts of the previous token of the same sequence; tokens without one are left out.

    A token that layer does not know, or whose previous token it does not know, is left out as well.
    """
    asked = np.flatnonzero((tokens.previous >= 0) & (tokens.is_decode | (not decode_only)))
    hits = np.zeros(len(tokens.routes), np.int64)
    total = np.zeros_like(hits)
    for start in range(0, len(asked), _CHUNK_TOKENS):
        members = asked[start : start + _CHUNK_TOKENS]
        routes, before = tokens.routes[:, members], tokens.routes[:, tokens.previous[members]]
        known = (routes != UNKNOWN) & (before != UNKNOWN).any(axis=2, keepdims=True)
        hits += ((routes[..., :, None] == before[..., None, :]).any(axis=3) & known).sum(axis=(1, 2))
        total += known.sum(axis=(1, 2))
    return _share(hits, total)


def token_table_recall(tokens: TokenRoutes) -> tuple[NDArray[np.float64], float | None]:
    """Forecast the experts most often seen for this token id so far; of equals, those seen last.

    Tokens of unknown id are left out; one whose id was not seen before is forecast nothing.

    Returns:
        The recall, and the share of tokens whose id was seen before; None where no ids are known.
    """
    n_layer, _, k = tokens.routes.shape
    n_expert = tokens.header.n_expert
    hits = np.zeros(n_layer, np.int64)
    total = np.zeros_like(hits)
    rows = np.arange(n_layer)[:, None]
    n_seen = n_known = 0
    # All tokens of one id after the other: what is forecast for an id depends on no other, and one table suffices.
    for members in _by_id(tokens.token_ids):
        by_token = tokens.routes[:, members].transpose(1, 0, 2)
        total += (by_token != UNKNOWN).sum(axis=(0, 2))
        n_seen, n_known = n_seen + len(members) - 1, n_known + len(members)
        if len(members) == 1:
            continue
        # Above the lowest bits the count, in them when it was counted last; the last column takes unknown routes.
        scores = np.zeros((n_layer, n_expert + 1), np.int64)
        for time, experts in enumerate(by_token, start=1):
            named = scores[rows, experts]
            if time > 1:
                hits += _named(scores[:, :n_expert], named, k)
            scores[rows, experts] = (((named >> 32) + 1) << 32) + time * k + np.arange(k - 1, -1, -1)
            scores[:, n_expert] = 0
    return _share(hits, total), (n_seen / n_known if n_known else None)


def previous_layer_recall(tokens: TokenRoutes) -> NDArray[np.float64]:
    """Forecast the experts most often seen together with the experts that the layer before it was routed to.

    The first layer has none before it.
    """
    n_layer = len(tokens.routes)
    recall = np.full(n_layer, np.nan)
    at_once = max(1, _TABLE_CELLS // (tokens.header.n_expert + 1) ** 2)
    for start in range(1, n_layer, at_once):
        end = min(start + at_once, n_layer)
        recall[start:end] = _from_layer_before(
            tokens.routes[start - 1 : end - 1], tokens.routes[start:end], tokens.header.n_expert
        )
    return recall


def _from_layer_before(before: NDArray[np.int16], routes: NDArray[np.int16], n_expert: int) -> NDArray[np.float64]:
    n_layer, n_tokens, k = routes.shape
    # [layer, expert before, expert]; the last ones of both take unknown routes.
    together = np.zeros((n_layer, n_expert + 1, n_expert + 1), np.int32)
    hits = np.zeros(n_layer, np.int64)
    rows = np.arange(n_layer)[:, None]
    # Of equals the lower number: scores that differ in every expert.
    number = np.arange(n_expert, -1, -1)
    for token in range(n_tokens):
        given, experts = before[:, token], routes[:, token]
        scores = together[rows, given].sum(axis=1, dtype=np.int64)
        scores = np.where(scores > 0, scores * (n_expert + 1) + number, 0)
        scores[:, n_expert] = 0
        hits += _named(scores[:, :n_expert], scores[rows, experts], k)
        together[rows[:, :, None], given[:, :, None], experts[:, None, :]] += 1
        together[:, n_expert, :] = 0
    return _share(hits, (routes != UNKNOWN).sum(axis=(1, 2)))


def _named(scores: NDArray[np.int64], of_routed: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Count, per layer, the routed experts among the `k` of the highest scores above 0."""
    n_expert = scores.shape[1]
    lowest = np.partition(scores, n_expert - k, axis=1)[:, n_expert - k, None]
    return np.asarray(((of_routed >= lowest) & (of_routed > 0)).sum(axis=1))


def _by_id(token_ids: NDArray[np.int32]) -> list[NDArray[np.int64]]:
    """Return for each known token id the places of its tokens, ascending."""
    order = np.argsort(token_ids, kind="stable")
    order = order[token_ids[order] >= 0]
    return np.split(order, np.flatnonzero(np.diff(token_ids[order])) + 1) if len(order) else []


def _share(hits: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(hits / total)
