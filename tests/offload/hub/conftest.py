"""What the tests of the hub share: a hub of their own, and a client that waits for nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.hub_server import FakeHub, running_hub
from fakes.puller import Puller
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


@pytest.fixture
def puller(client: HubClient, tmp_path: Path) -> Puller:
    """Return what pulls u/r below the folder of the test."""
    return Puller(client, tmp_path)
