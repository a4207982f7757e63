"""How often and how long."""

import pytest

from offload.errors import HubError, HubFailure
from offload.hub.patience import LONGEST_WAIT_SECONDS, PassingError, Patience


def test_waits_grow_and_end() -> None:
    waits: list[float] = []
    patience = Patience(waits.append)
    for _ in range(5):
        patience.failed(PassingError("no connection"))
    with pytest.raises(HubError, match="cannot be reached: no connection") as caught:
        patience.failed(PassingError("no connection"))
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert caught.value.reason is HubFailure.UNREACHABLE
    assert caught.value.hint == "Check the connection and try again."


def test_what_helps_is_said_in_the_words_of_who_asks() -> None:
    patience = Patience(lambda _: None, tries=0, hint="Come back.")
    with pytest.raises(HubError) as caught:
        patience.failed(PassingError("no connection"))
    assert caught.value.hint == "Come back."


def test_progress_gives_patience_back() -> None:
    waits: list[float] = []
    patience = Patience(waits.append)
    for _ in range(20):
        patience.failed(PassingError("cut"))
        patience.failed(PassingError("cut"))
        patience.progressed()
    assert waits == [1.0] * 20


def test_the_hub_is_given_the_time_it_asks_for() -> None:
    waits: list[float] = []
    Patience(waits.append).failed(PassingError("busy", wait_seconds=30))
    assert waits == [30]


def test_a_hub_that_asks_for_too_much_is_given_up() -> None:
    with pytest.raises(HubError, match="It asks to wait 301 s"):
        Patience(lambda _: None).failed(PassingError("busy", wait_seconds=LONGEST_WAIT_SECONDS + 1))
