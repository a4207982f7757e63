"""Sampling settings of a conversation: named presets, and their JSON as the protocol writes it."""

import json
from dataclasses import dataclass, replace

from offload.protocol import Generate, GenerationParams
from offload.protocol_lines import ProtocolError, decode_request, encode


@dataclass(frozen=True, slots=True)
class Preset:
    """A named choice of how freely tokens are sampled; `name` is a key: a face says it in the person's language."""

    name: str
    temperature: float
    top_k: int
    top_p: float
    min_p: float

    def applied_to(self, settings: GenerationParams) -> GenerationParams:
        """Return `settings` with this preset's values and no penalties; length, seed, stop strings and grammar stay."""
        return replace(
            settings,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            typical_p=_DEFAULT.typical_p,
            repeat_penalty=_DEFAULT.repeat_penalty,
            presence_penalty=_DEFAULT.presence_penalty,
            frequency_penalty=_DEFAULT.frequency_penalty,
        )


_DEFAULT = GenerationParams()

PRECISE = Preset("precise", temperature=0.2, top_k=20, top_p=0.9, min_p=0.1)
BALANCED = Preset("balanced", _DEFAULT.temperature, _DEFAULT.top_k, _DEFAULT.top_p, _DEFAULT.min_p)
CREATIVE = Preset("creative", temperature=1.1, top_k=100, top_p=0.98, min_p=0.02)
PRESETS = (PRECISE, BALANCED, CREATIVE)


def preset_of(settings: GenerationParams) -> Preset | None:
    """Return the preset that `settings` are; None where a person has changed something."""
    return next((preset for preset in PRESETS if preset.applied_to(settings) == settings), None)


def settings_to_json(settings: GenerationParams) -> dict[str, object]:
    """Return `settings` as a JSON object.

    Raises:
        ValueError: a number is not finite.
    """
    fields = json.loads(encode(Generate(id=0, prompt="", params=settings)))["params"]
    assert isinstance(fields, dict)
    return fields


def settings_from_json(value: object) -> GenerationParams:
    """Return the settings of a JSON object; what it does not name has its default.

    Raises:
        ProtocolError: `value` is not exactly settings.
    """
    request = decode_request(json.dumps({"type": "generate", "id": 0, "prompt": "", "params": value}).encode())
    assert isinstance(request, Generate)
    return request.params


def stored_settings(text: str) -> GenerationParams:
    """Return the settings that were stored as `text`, without ever failing.

    A field that this release does not know or that is wrong has its default: a conversation is worth more than its
    sampling.
    """
    try:
        fields = json.loads(text)
    except ValueError:
        return GenerationParams()
    try:
        return settings_from_json(fields)
    except ProtocolError:
        known = fields.items() if isinstance(fields, dict) else ()
        return settings_from_json({name: value for name, value in known if _is_setting(name, value)})


def _is_setting(name: str, value: object) -> bool:
    try:
        settings_from_json({name: value})
    except ProtocolError:
        return False
    return True
