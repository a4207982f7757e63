"""The name of one expert."""

from typing import NamedTuple


class ExpertKey(NamedTuple):
    """One routed expert: `layer` is the block's number in the model, `expert` counts from 0 within it."""

    layer: int
    expert: int
