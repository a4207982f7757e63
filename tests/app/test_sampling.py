"""Presets and the JSON of sampling settings."""

import json
from dataclasses import replace

import pytest

from offload.protocol import GenerationParams
from offload.protocol_lines import ProtocolError
from offload_app.sampling import (
    BALANCED,
    CREATIVE,
    PRECISE,
    PRESETS,
    Preset,
    preset_of,
    settings_from_json,
    settings_to_json,
    stored_settings,
)

CHOSEN = GenerationParams(n_predict=5, temperature=0.25, seed=3, stop=("a", "ü"), grammar="root ::= x", n_keep=-1)


def test_the_balanced_preset_is_the_default() -> None:
    assert BALANCED.applied_to(GenerationParams()) == GenerationParams()


def test_presets_are_ordered_from_sober_to_wild() -> None:
    assert PRECISE.temperature < BALANCED.temperature < CREATIVE.temperature
    assert len({preset.name for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_is_recognised_and_keeps_what_is_not_its_own(preset: Preset) -> None:
    settings = preset.applied_to(CHOSEN)
    assert preset_of(settings) is preset
    assert (settings.n_predict, settings.seed, settings.stop, settings.grammar) == (5, 3, ("a", "ü"), "root ::= x")


def test_changed_settings_are_no_preset() -> None:
    assert preset_of(replace(GenerationParams(), repeat_penalty=1.1)) is None


def test_settings_come_back_from_json() -> None:
    assert settings_from_json(json.loads(json.dumps(settings_to_json(CHOSEN)))) == CHOSEN


@pytest.mark.parametrize("value", [{"temperature": "hot"}, {"warmth": 1}, [], None])
def test_json_that_is_no_settings_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        settings_from_json(value)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "3"])
def test_stored_text_that_is_no_settings_gives_the_defaults(text: str) -> None:
    assert stored_settings(text) == GenerationParams()


def test_of_stored_settings_all_is_read_that_can_be() -> None:
    assert stored_settings('{"seed": 4, "warmth": 1, "temperature": "hot"}') == GenerationParams(seed=4)
