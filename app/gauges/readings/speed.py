"""The speed gauge: tokens a second of the present or last answer, and how long its first token took."""

from dataclasses import dataclass

from offload.protocol import Speed, StatsEvent
from offload_app.gauges.readings.history import DecodeChange
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.tiers import TierLine
from offload_app.gauges.readings.trend import NO_CURVE, Curve, Trend, curve_of
from offload_app.gauges.readings.words import NO_VALUE, Known, Words, words_without_value

FEWEST_TOKENS = 4
"""The first token costs next to no decoding: a rate of fewer would be far too high."""


@dataclass(frozen=True, slots=True)
class SpeedReading:
    """What the speed gauge shows; None where nothing was measured."""

    known: Known
    words: Words
    curve: Curve = NO_CURVE
    tokens_per_second: float | None = None
    first_token_seconds: float | None = None
    lines: tuple[TierLine, ...] = ()
    """None: speed is of all tiers together."""


def recent_speed(change: DecodeChange | None) -> float | None:
    """Return tokens a second of the last seconds; None where none came."""
    return change.n_tokens / change.seconds if change is not None else None


def read_speed(event: StatsEvent | None, trend: Trend, language: Language) -> SpeedReading:
    """Return what the speed gauge shows of `event`."""
    title = language.translate("gauges", "Speed")
    if event is None or not event.loaded:
        return SpeedReading(Known.NO_MODEL, words_without_value(Known.NO_MODEL, title, language))
    speed = event.stats.speed
    first = speed.first_token_seconds or None
    rate = speed.tokens_per_second if speed.n_generated >= FEWEST_TOKENS and speed.decode_seconds > 0 else None
    detail = _detail(speed, language)
    if rate is None and not detail:
        return SpeedReading(Known.NOT_YET, words_without_value(Known.NOT_YET, title, language))
    value = NO_VALUE if rate is None else language.token_rate(rate)
    if rate is None:
        words = Words(title, value, detail, f"{title}: {detail}.")
    else:
        words = Words(title, value, detail, f"{title}: {value}. {detail}.")
    known = Known.NOT_YET if rate is None else Known.MEASURED
    return SpeedReading(known, words, curve_of(trend), rate, first)


def _detail(speed: Speed, language: Language) -> str:
    """Return what is known of the prompt and the first token; empty before there is anything."""
    if speed.first_token_seconds:
        template = language.translate("gauges", "First token after {seconds}")
        return template.format(seconds=language.seconds(speed.first_token_seconds))
    if speed.n_prompt and speed.prompt_seconds:
        template = language.translate("gauges", "Reading the prompt: {rate}")
        return template.format(rate=language.token_rate(speed.prompt_tokens_per_second))
    return ""
