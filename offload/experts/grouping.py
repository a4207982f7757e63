"""Grouping: which of several sequences compute a layer together where their experts do not all fit its slots.

Sequences that share experts compute in turn, so that an expert is read as seldom as can be: a group takes in, one by
one, whichever sequence still fits and has least to be read for it; of equals the one whose experts the fewest others
want, which could share nothing later either.
Source: the token scheduler of ExpertFlow (arXiv:2410.17954), the expert-aware batching of Read-ME (arXiv:2410.19123).
"""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet


def grouped(wanted: Sequence[AbstractSet[int]], n_slots: int, resident: AbstractSet[int]) -> list[list[int]]:
    """Return groups of indices into `wanted`, the experts of each sequence, in the order to compute them.

    No group needs more than `n_slots` experts, unless one sequence alone does. `resident` are in slots now.
    """
    left = dict(enumerate(wanted))
    n_wanting = Counter(expert for experts in wanted for expert in experts)
    in_slots = set(resident)
    groups: list[list[int]] = []
    while left:
        group: list[int] = []
        needed: set[int] = set()
        while costs := {
            index: (len(experts - needed - in_slots), sum(n_wanting[expert] for expert in experts))
            for index, experts in left.items()
            if not group or len(needed | experts) <= n_slots
        }:
            index = min(costs, key=costs.__getitem__)
            needed |= left[index]
            n_wanting.subtract(left.pop(index))
            group.append(index)
        groups.append(group)
        in_slots = _after(needed, in_slots, n_slots, soon=set[int]().union(*left.values()))
    return groups


def _after(needed: set[int], in_slots: set[int], n_slots: int, soon: set[int]) -> set[int]:
    """Return what is in slots once a group's experts are: what is wanted soon stays as far as there is room."""
    others = sorted(in_slots - needed, key=lambda expert: expert not in soon)
    return needed.union(others[: max(0, n_slots - len(needed))])
