"""The reading of a receipt: what an answer took, in words; pure."""

from typing import NamedTuple

from offload.protocol import FinishReason
from offload_app.gauges.readings.language import Language
from offload_app.receipt import Receipt
from offload_app.sampling import Preset, preset_of


class Row(NamedTuple):
    """One line of a receipt."""

    label: str
    value: str


def read_summary(receipt: Receipt, language: Language) -> str:
    """Return the receipt in a few words: `12.3 tokens/s · 87 % hits`."""
    parts = []
    if receipt.n_generated and receipt.decode_seconds:
        parts.append(language.token_rate(receipt.tokens_per_second))
    if receipt.hit_rate is not None:
        parts.append(_tr(language, "{share} hits").format(share=language.percent(receipt.hit_rate)))
    return " · ".join(parts) or _tr(language, "Receipt")


def read_rows(receipt: Receipt, language: Language) -> tuple[Row, ...]:
    """Return the lines of a receipt; what was not measured is left out."""
    rows = [
        Row(_tr(language, "Model"), receipt.model.replace("\\", "/").rpartition("/")[2]),
        Row(_tr(language, "Speed"), language.token_rate(receipt.tokens_per_second)),
        Row(_tr(language, "First token after"), language.seconds(receipt.first_token_seconds)),
        Row(_tr(language, "Answer"), _count(receipt.n_generated, language)),
        Row(_tr(language, "Question"), _question(receipt, language)),
    ]
    if receipt.hit_rate is not None:
        rows += [
            Row(_tr(language, "Experts found in memory"), language.percent(receipt.hit_rate)),
            Row(_tr(language, "Read from disk"), language.size(receipt.bytes_read)),
            Row(_tr(language, "Waited for the disk"), language.seconds(receipt.stall_seconds)),
        ]
    rows += [
        Row(_tr(language, "Peak memory"), language.size_of(receipt.peak_bytes, receipt.budget_bytes)),
        Row(_tr(language, "Settings"), _settings(receipt, language)),
        Row(_tr(language, "Ended because"), read_ending(receipt.finish_reason, language)),
    ]
    return tuple(rows)


def read_ending(reason: FinishReason, language: Language) -> str:
    """Return why an answer ended."""
    match reason:
        case FinishReason.STOP:
            return _tr(language, "the model was done")
        case FinishReason.LENGTH:
            return _tr(language, "the longest length was reached")
        case FinishReason.CONTEXT_FULL:
            return _tr(language, "the context is full")
        case FinishReason.CANCELLED:
            return _tr(language, "it was stopped")


def preset_name(preset: Preset | None, language: Language) -> str:
    """Return the name of a preset; None: settings of the person's own."""
    names = {
        "precise": _tr(language, "Precise"),
        "balanced": _tr(language, "Balanced"),
        "creative": _tr(language, "Creative"),
    }
    return _tr(language, "Own settings") if preset is None else names[preset.name]


def _question(receipt: Receipt, language: Language) -> str:
    text = _count(receipt.n_prompt, language)
    if not receipt.n_cached:
        return text
    cached = language.number(receipt.n_cached)
    return _tr(language, "{computed}, and {cached} found in the context").format(computed=text, cached=cached)


def _settings(receipt: Receipt, language: Language) -> str:
    used = receipt.settings
    return _tr(language, "{name}: temperature {temperature}, top-k {top_k}, top-p {top_p}, min-p {min_p}").format(
        name=preset_name(preset_of(used), language),
        temperature=language.number(used.temperature, 2),
        top_k=used.top_k,
        top_p=language.number(used.top_p, 2),
        min_p=language.number(used.min_p, 2),
    )


def _count(n_tokens: int, language: Language) -> str:
    if n_tokens == 1:
        return _tr(language, "1 token")
    return _tr(language, "{number} tokens").format(number=language.number(n_tokens))


def _tr(language: Language, text: str) -> str:
    return language.translate("receipt", text)
