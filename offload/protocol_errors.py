"""The protocol's errors: what every face reports of a failure, and the event that says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from offload.errors import OffloadError

Number: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error as every face reports it: the class's name, what failed, what to do, and the values."""

    type: str
    message: str
    hint: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """Request `id` failed, or a line was no request (`id` is null where none could be read)."""

    id: int | None
    error: ErrorReport


def report_of(error: BaseException) -> ErrorReport:
    """Return how every face reports `error`, one of this program's or not."""
    if isinstance(error, OffloadError):
        return ErrorReport(error.type, error.message, error.hint, error.numbers)
    hint = "This is a defect of offload: please report it."
    return ErrorReport(type(error).__name__, str(error) or "no message", hint)
