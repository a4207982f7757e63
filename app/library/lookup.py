"""`Lookup`: what the hub said of a name that a person typed; values only."""

from dataclasses import dataclass

from offload.protocol import ModelOffer
from offload.protocol_errors import ErrorReport


@dataclass(frozen=True, slots=True)
class Lookup:
    """Neither `offer` nor `refusal`: the hub is being asked."""

    name: str
    offer: ModelOffer | None = None
    refusal: ErrorReport | None = None
