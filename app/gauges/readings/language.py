"""Numbers and sentences in the person's language: how a reading is put into words.

Sizes are binary, as the budget is that a person types: 1 GB is 1024³ bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1024
_GIGA = _UNITS.index("GB")


def _untranslated(context: str, text: str) -> str:
    """Return the text as the source has it."""
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """What the person reads: `translate` is called with a context and an English text, as Qt's is."""

    translate: Callable[[str, str], str] = _untranslated
    decimal_point: str = "."
    group_separator: str = ","

    def number(self, value: float, n_decimals: int = 0) -> str:
        """Return `value` rounded, its thousands grouped."""
        written = f"{value:,.{n_decimals}f}"
        signs = {".": self.decimal_point, ",": self.group_separator}
        return "".join(signs.get(sign, sign) for sign in written)

    def size(self, n_bytes: float) -> str:
        """Return a size: `812 kB`, `5.2 GB`."""
        scale = _scale(n_bytes)
        return f"{self._scaled(n_bytes, scale)} {_UNITS[scale]}"

    def size_of(self, n_bytes: float, whole_bytes: float) -> str:
        """Return a size beside the whole it belongs to, in the unit of the whole: `5.2 of 6.0 GB`."""
        scale = _scale(max(n_bytes, whole_bytes))
        part, whole = self._scaled(n_bytes, scale), self._scaled(whole_bytes, scale)
        return self.translate("gauges", "{part} of {whole} {unit}").format(part=part, whole=whole, unit=_UNITS[scale])

    def data_rate(self, bytes_per_second: float) -> str:
        """Return how fast bytes move: `412 MB/s`."""
        return f"{self.size(bytes_per_second)}/s"

    def token_rate(self, tokens_per_second: float) -> str:
        """Return how fast tokens come: `12.3 tokens/s`."""
        number = self.number(tokens_per_second, _decimals(tokens_per_second))
        return self.translate("gauges", "{number} tokens/s").format(number=number)

    def seconds(self, seconds: float) -> str:
        """Return a duration: `240 ms`, `1.8 s`, `2 min 5 s`."""
        if round(seconds * 1000) < 1000:
            return f"{self.number(seconds * 1000)} ms"
        if round(seconds, 1) < 60:
            return f"{self.number(seconds, 1)} s"
        minutes, rest = divmod(round(seconds), 60)
        return f"{self.number(minutes)} min {rest} s"

    def percent(self, share: float) -> str:
        """Return a share of 1: `87 %`. Nearly all is never said to be all, and little never to be nothing."""
        if 0 < share < 0.005:
            return f"{self.number(max(0.1, share * 100), 1)} %"
        if 0.995 <= share < 1:
            return f"{self.number(min(99.9, share * 100), 1)} %"
        return f"{self.number(share * 100)} %"

    def _scaled(self, n_bytes: float, scale: int) -> str:
        value = n_bytes / _STEP**scale
        fine_below = 0 if scale == 0 else 9.95 if scale < _GIGA else 99.95
        return self.number(value, 1 if abs(value) < fine_below else 0)


def _scale(n_bytes: float) -> int:
    """Return the place in `_UNITS` at which a size reads as a number from 1 to 1023."""
    scale = 0
    # Compared as shown: 1023.7 kB would read 1,024 kB, and is 1.0 MB.
    while scale < len(_UNITS) - 1 and round(abs(n_bytes) / _STEP**scale) >= _STEP:
        scale += 1
    return scale


def _decimals(value: float) -> int:
    """Return the decimals that leave about three figures."""
    if value < 0.995:
        return 2
    return 1 if value < 99.95 else 0
