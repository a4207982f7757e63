"""`HubFit`: how a model that is still on the hub will run here, as far as known; values only."""

from dataclasses import dataclass

from offload.protocol import ModelSummary
from offload_app.library.shelf import Outlook


@dataclass(frozen=True, slots=True)
class HubFit:
    """The answer to one question, or what of an earlier one is still shown while it `is_asking`."""

    outlook: Outlook
    """Its key is the name."""
    summary: ModelSummary | None = None
    """What the header says, with the path that the model will have; None: it was not read yet."""
    is_asking: bool = False
