"""Which contexts are offered for a model; pure."""

from typing import NamedTuple

from offload_app.gauges.readings.language import Language

_LEAST = 2048
AUTOMATIC_AT_MOST = 4096
"""What the runtime takes where nothing was chosen, or less where the model was trained for less."""


class ContextChoice(NamedTuple):
    """One context: 0 is automatic."""

    n_ctx: int
    text: str


def context_choices(context_length: int, chosen: int, language: Language) -> tuple[ContextChoice, ...]:
    """Return automatic, then the powers of two up to the model's own, that itself, and what was `chosen`."""
    counts = {chosen} if chosen > 0 else set()
    n_ctx = _LEAST
    while n_ctx <= context_length:
        counts.add(n_ctx)
        n_ctx *= 2
    if context_length > 0:
        counts.add(context_length)
    tokens = language.translate("Library", "{n} tokens")
    automatic = language.translate("Library", "Automatic ({n})")
    least = min(context_length, AUTOMATIC_AT_MOST) or AUTOMATIC_AT_MOST
    return (
        ContextChoice(0, automatic.format(n=language.number(least))),
        *(ContextChoice(count, tokens.format(n=language.number(count))) for count in sorted(counts)),
    )
