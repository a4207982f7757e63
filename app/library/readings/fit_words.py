"""How a model on the hub will run here, in words: what goes on, and why it cannot be told; pure."""

from dataclasses import dataclass

from offload_app.gauges.readings.language import Language
from offload_app.library.hub_fit import HubFit
from offload_app.report_words import report_words

_CONTEXT = "Library"


@dataclass(frozen=True, slots=True)
class FitReading:
    """What an offer shows of it, besides the plans themselves."""

    news: str = ""
    """What goes on."""
    trouble: str = ""
    """Why it cannot be told: that forbids nothing."""
    has_plan: bool = False
    """Whether there are plans, or another context may be chosen to get some."""
    has_button: bool = False
    can_ask: bool = False
    """Whether the button does anything now."""


def read_fit(fit: HubFit | None, can_fit: bool, language: Language) -> FitReading:
    """Return what is shown of `fit`; `can_fit`: whether the model is one that may be asked about."""
    tr = language.translate
    if not can_fit:
        return FitReading()
    if fit is None:
        return FitReading(has_button=True, can_ask=True)
    has_plan = fit.summary is not None
    if fit.is_asking:
        text = tr(_CONTEXT, "Planning…")
        if not has_plan:
            text = tr(_CONTEXT, "Getting a few MB from the hub, the model's header, to plan with…")
        return FitReading(text, has_plan=has_plan, has_button=fit.outlook.outline is None)
    if fit.outlook.refusal is None:
        return FitReading(has_plan=has_plan)
    if has_plan:
        return FitReading(has_plan=True, has_button=True, can_ask=True)
    text = tr(_CONTEXT, "How it will run here cannot be told: {reason}")
    return FitReading(trouble=text.format(reason=report_words(fit.outlook.refusal)), has_button=True, can_ask=True)
