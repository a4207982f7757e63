"""The hub as the environment names it: HF_TOKEN's token, HF_ENDPOINT's address, and nothing that was not meant.

Nothing but the hub is asked: huggingface-hub's telemetry, and the token it may find in its own files, are switched off
before it is imported.
"""

import os
from collections.abc import Callable

from offload.hub.client import HubClient

_SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def open_hub(wait: Callable[[float], None], while_waiting: Callable[[], None] = lambda: None) -> HubClient:
    """Return who asks the hub; `wait` is called to wait so many seconds before it tries again.

    `while_waiting` is called while an answer does not come; what it raises ends the request.

    Raises:
        UsageError: huggingface-hub is not installed.
    """
    os.environ.update(_SETTINGS)
    endpoint, token = os.environ.get("HF_ENDPOINT", "").rstrip("/"), os.environ.get("HF_TOKEN", "").strip()
    return HubClient(endpoint=endpoint or None, token=token or None, wait=wait, while_waiting=while_waiting)
