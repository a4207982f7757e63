"""The tree of errors, and the drawing of it."""

import re

import pytest

from offload import errors
from offload.errors import HubError, HubFailure, OffloadError

CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OffloadError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_drawn_with_its_exit_code(kind: type[OffloadError]) -> None:
    assert errors.__doc__ is not None
    drawn = re.search(rf"\b{kind.__name__} +exit (\d+)", errors.__doc__)
    assert drawn is not None
    assert int(drawn[1]) == kind.exit_code


def test_an_error_of_the_hub_says_why() -> None:
    error = HubError("No.", reason=HubFailure.GATED, hint="Ask.")
    assert (str(error), error.type, error.numbers) == ("No. Ask.", "HubError", {"reason": "gated"})
