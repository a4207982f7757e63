"""The report card: how well the forecasters forecast, and what reading ahead brought."""

from collections.abc import Sequence
from dataclasses import dataclass

from offload.protocol import Stats, StatsEvent
from offload_app.gauges.readings.language import Language
from offload_app.gauges.readings.words import NO_VALUE, Known, Words, words_without_value

BEFORE = 0
"""The lead of forecasts made before any layer of the token was computed."""


@dataclass(frozen=True, slots=True)
class CardRow:
    """One forecaster: its recall for every lead, in shares of 1, and in percent as text; None: it does not forecast."""

    name: str
    recalls: tuple[float | None, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportCardReading:
    """What the report card shows; without rows where there is nothing to report."""

    known: Known
    words: Words
    headers: tuple[str, ...] = ()
    """What the recalls of a row are of: how many layers ahead."""
    caption: str = ""
    """What the table is of."""
    rows: tuple[CardRow, ...] = ()
    used_share: float | None = None
    """Share of the bytes read ahead that were demanded; None where none were judged."""
    is_paying: bool = True


def read_report_card(event: StatsEvent | None, language: Language) -> ReportCardReading:
    """Return what the report card shows of `event`."""
    title = language.translate("gauges", "Forecasts")
    if event is None or not event.loaded:
        return ReportCardReading(Known.NO_MODEL, words_without_value(Known.NO_MODEL, title, language))
    if event.stats.forecast is None:
        return _without_forecasts(event.stats, title, language)
    if not event.stats.forecast.scores:
        return ReportCardReading(Known.NOT_YET, words_without_value(Known.NOT_YET, title, language))
    return _card(event.stats, title, language)


def _without_forecasts(stats: Stats, title: str, language: Language) -> ReportCardReading:
    if stats.paging.n_layer == 0:
        return ReportCardReading(Known.NOT_PAGED, words_without_value(Known.NOT_PAGED, title, language))
    value = language.translate("gauges", "off")
    detail = language.translate("gauges", "Experts are read when they are needed")
    return ReportCardReading(Known.NOT_YET, Words(title, value, detail, f"{title}: {value}. {detail}."))


def _card(stats: Stats, title: str, language: Language) -> ReportCardReading:
    assert stats.forecast is not None
    use = stats.forecast
    leads = sorted({score.lead for score in use.scores})
    recalls = {(score.name, score.lead): score.recall for score in use.scores}
    rows = tuple(
        _row(name, tuple(recalls.get((name, lead)) for lead in leads), language)
        for name in dict.fromkeys(score.name for score in use.scores)
    )
    n_judged = use.useful_bytes + use.late_bytes + use.wasted_bytes
    used_share = (use.useful_bytes + use.late_bytes) / n_judged if n_judged else None
    value = _value(use.gain, is_paying=use.is_paying, language=language)
    detail = _detail(used_share, n_judged, language)
    return ReportCardReading(
        Known.MEASURED,
        Words(title, value, detail, _sentence(title, value, detail, leads, rows, language)),
        tuple(_header(lead, language) for lead in leads),
        language.translate("gauges", "Experts foreseen (%), layers ahead"),
        rows,
        used_share,
        use.is_paying,
    )


def _row(name: str, recalls: tuple[float | None, ...], language: Language) -> CardRow:
    texts = tuple(NO_VALUE if recall is None else language.number(recall * 100) for recall in recalls)
    return CardRow(name[:1].upper() + name[1:], recalls, texts)


def _header(lead: int, language: Language) -> str:
    return language.translate("gauges", "before") if lead == BEFORE else language.number(lead)


def _long_header(lead: int, language: Language) -> str:
    if lead == BEFORE:
        return language.translate("gauges", "before the first layer")
    return language.translate("gauges", "{n} ahead").format(n=language.number(lead))


def _value(gain: float | None, *, is_paying: bool, language: Language) -> str:
    if not is_paying:
        return language.translate("gauges", "paused: no gain")
    if gain is None:
        return language.translate("gauges", "being tried")
    return language.translate("gauges", "{gain} times as fast").format(gain=language.number(gain, 2))


def _detail(used_share: float | None, n_judged: int, language: Language) -> str:
    if used_share is None:
        return language.translate("gauges", "Nothing read ahead yet")
    template = language.translate("gauges", "{share} of {size} read ahead was needed")
    return template.format(share=language.percent(used_share), size=language.size(n_judged))


def _sentence(
    title: str, value: str, detail: str, leads: Sequence[int], rows: tuple[CardRow, ...], language: Language
) -> str:
    headers = [_long_header(lead, language) for lead in leads]
    found = "; ".join(f"{row.name}: {', '.join(_shares(row, headers, language))}" for row in rows)
    template = language.translate("gauges", "{title}: {value}. {detail}. Experts foreseen, by layers ahead: {found}.")
    return template.format(title=title, value=value, detail=detail, found=found)


def _shares(row: CardRow, headers: Sequence[str], language: Language) -> list[str]:
    return [
        f"{language.percent(recall)} {header}"
        for recall, header in zip(row.recalls, headers, strict=True)
        if recall is not None
    ]
