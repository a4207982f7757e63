"""What the tests of the hub share: a hub of their own, and a client that waits for nothing."""

from collections.abc import Iterator

import pytest

from fakes.hub_server import FakeHub, running_hub
from offload.hub.client import HubClient


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Run a hub, reached past any proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_hub() as hub:
        yield hub


@pytest.fixture
def waits() -> list[float]:
    """Return the times that the client waited, in seconds."""
    return []


@pytest.fixture
def client(hub: FakeHub, waits: list[float]) -> HubClient:
    return HubClient(endpoint=hub.url, wait=waits.append)
