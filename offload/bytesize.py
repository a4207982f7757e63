"""Sizes in bytes as text: what a person types (`6G`, `1.5GiB`, `60%`) and what a person reads (`4.5 GiB`).

Units are binary, as llama.cpp and docker take them: `G`, `GB` and `GiB` all mean 1024³ bytes, in capitals or not.
"""

import re
from fractions import Fraction

from offload.errors import UsageError

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_LARGEST_BYTES = 2**63 - 1
_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,20})?"
_SIZE = re.compile(rf"({_NUMBER})\s*(?:([KMGT])(?:i?B)?|B)?", re.IGNORECASE | re.ASCII)
_PERCENT = re.compile(rf"({_NUMBER})\s*%", re.ASCII)
_HINT = "Write a number with an optional unit, as in 6G, 512M, 1.5GiB or 1048576."


def parse_bytes(text: str) -> int:
    """Return the bytes that `text` names, rounded down; a number without a unit counts bytes.

    Raises:
        UsageError: `text` is no size, or one of 8 EiB and more.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{_shown(text)} is not a size.", hint=_HINT)
    number, unit = match.groups(default="")
    n_bytes = int(Fraction(number) * _UNITS[unit.upper()])
    if n_bytes > _LARGEST_BYTES:
        raise UsageError(f"{_shown(text)} is more than any machine has.", hint=_HINT)
    return n_bytes


def parse_memory(text: str, total_bytes: int) -> int:
    """Return the bytes that `text` names, where `60%` is that share of `total_bytes`, rounded down.

    Raises:
        UsageError: `text` is neither a size nor a share above 0 % and up to 100 %.
    """
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        if "%" in text:
            raise UsageError(f"{_shown(text)} is not a share.", hint="Write a percentage as in 60%.")
        return parse_bytes(text)
    percent = Fraction(match.group(1))
    if not 0 < percent <= 100:
        raise UsageError(f"{_shown(text)} is no share of the memory.", hint="Write one above 0% and up to 100%.")
    return int(percent * total_bytes / 100)


def format_bytes(n_bytes: int) -> str:
    """Return `n_bytes` for a person to read: `512 B`, `1.5 KiB`, `4.2 GiB`; `parse_bytes` reads it back, rounded."""
    if abs(n_bytes) < 1024:
        return f"{n_bytes} B"
    for unit in "KMGT":
        shown = f"{n_bytes / _UNITS[unit]:.1f}"
        # Compared as shown: 1023.96 KiB would read 1024.0 KiB, and is 1.0 MiB.
        if abs(float(shown)) < 1024 or unit == "T":
            break
    return f"{shown} {unit}iB"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
