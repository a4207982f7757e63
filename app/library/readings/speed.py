"""The predicted speed: how fast a model will answer at each budget, with the one that is chosen; pure."""

from dataclasses import dataclass, replace

from offload.protocol import PlanOutline
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import Words

_CONTEXT = "Library"


@dataclass(frozen=True, slots=True)
class SpeedPoint:
    """What is predicted at one budget, in tokens a second."""

    budget_bytes: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class SpeedReading:
    """A curve over budgets, and the point that is chosen; no points: nothing was predicted."""

    words: Words
    points: tuple[SpeedPoint, ...] = ()
    point: int = 0
    whole_bytes: int = 1
    """What the full width stands for, as it does in the plan."""
    top: float = 1.0
    """What the full height stands for, in tokens a second."""


def no_speed(language: Language) -> SpeedReading:
    """Return that nothing was predicted."""
    title = language.translate(_CONTEXT, "Predicted speed")
    return SpeedReading(Words(title, "", "", title))


def with_speeds(outline: PlanOutline, predicted: PlanOutline) -> PlanOutline:
    """Return `outline` with the speeds of `predicted`, which was planned in another process at nearly its budgets."""
    if len(outline.points) != len(predicted.points):
        return outline
    points = (
        replace(
            point,
            low_tokens_per_second=speed.low_tokens_per_second,
            tokens_per_second=speed.tokens_per_second,
            high_tokens_per_second=speed.high_tokens_per_second,
        )
        for point, speed in zip(outline.points, predicted.points, strict=True)
    )
    return replace(outline, points=tuple(points))


def read_speed(outline: PlanOutline, point: int, whole_bytes: int, language: Language) -> SpeedReading:
    """Return the predicted speed at a point of `outline`; nothing to show where not all of it was predicted."""
    points = tuple(
        SpeedPoint(p.budget_bytes, p.low_tokens_per_second, p.tokens_per_second, p.high_tokens_per_second)
        for p in outline.points
    )
    title = language.translate(_CONTEXT, "Predicted speed")
    if not points or any(not 0 < p.low <= p.middle <= p.high for p in points):
        return no_speed(language)
    value = speed_words(points[point], language)
    detail = language.translate(_CONTEXT, "From this machine's disk and processor. Shaded: what is likely.")
    sentence = f"{title}: {value}. {_span(points, language)}".strip()
    top = max(p.high for p in points)
    return SpeedReading(Words(title, value, detail, sentence), points, point, max(whole_bytes, 1), top)


def speed_words(speed: SpeedPoint, language: Language) -> str:
    """Return a prediction with its range: `about 5.1 tokens/s (4.0 to 6.3)`."""
    text = language.translate(_CONTEXT, "about {rate} ({low} to {high})")
    low, high = (language.number(end, _decimals(end)) for end in (speed.low, speed.high))
    return text.format(rate=language.token_rate(speed.middle), low=low, high=high)


def _span(points: tuple[SpeedPoint, ...], language: Language) -> str:
    if len(points) < 2:
        return ""
    text = language.translate(_CONTEXT, "From {least} with {floor} to {most} with {whole}.")
    return text.format(
        least=language.token_rate(points[0].middle),
        floor=language.size(points[0].budget_bytes),
        most=language.token_rate(points[-1].middle),
        whole=language.size(points[-1].budget_bytes),
    )


def _decimals(value: float) -> int:
    return 2 if value < 0.995 else 1 if value < 99.95 else 0
