"""The colours of both themes: readable, and told apart without their hue."""

import re
from collections.abc import Iterator
from dataclasses import astuple
from itertools import combinations, pairwise

import pytest

from offload_app.theme import DARK, LIGHT, Theme

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
LEAST_TEXT_CONTRAST = 4.5
LEAST_SHAPE_CONTRAST = 3.0
"""Both of WCAG 2.2, level AA."""


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lightness(colour: str) -> float:
    """Return CIE L*, 0 to 100."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def colours(value: object) -> Iterator[str]:
    """Yield every colour of a theme."""
    for item in value if isinstance(value, tuple) else ():
        if isinstance(item, tuple):
            yield from colours(item)
        elif isinstance(item, str) and item not in ("light", "dark"):
            yield item


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_every_colour_is_written_in_full(theme: Theme) -> None:
    found = list(colours(astuple(theme)))
    assert len(found) > 20
    assert [colour for colour in found if not re.fullmatch("#[0-9a-f]{6}", colour)] == []


@THEMES
@pytest.mark.parametrize("ground", ["window", "surface", "raised", "code", "selection"])
@pytest.mark.parametrize("text", ["text", "muted"])
def test_text_is_readable_on_every_ground(theme: Theme, ground: str, text: str) -> None:
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= LEAST_TEXT_CONTRAST


@THEMES
@pytest.mark.parametrize("ground", ["window", "surface", "raised"])
@pytest.mark.parametrize("text", ["accent", "error", "warning", "success"])
def test_text_with_a_meaning_is_readable(theme: Theme, ground: str, text: str) -> None:
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= LEAST_TEXT_CONTRAST


@THEMES
def test_text_is_readable_on_the_accent(theme: Theme) -> None:
    assert contrast(theme.on_accent, theme.accent) >= LEAST_TEXT_CONTRAST


@THEMES
def test_curves_stand_out(theme: Theme) -> None:
    assert contrast(theme.curve, theme.surface) >= LEAST_SHAPE_CONTRAST


@THEMES
@pytest.mark.parametrize("ground", ["window", "surface", "raised"])
def test_the_frame_of_a_field_stands_out(theme: Theme, ground: str) -> None:
    assert contrast(theme.outline, getattr(theme, ground)) >= LEAST_SHAPE_CONTRAST


@THEMES
def test_states_of_experts_differ_in_lightness(theme: Theme) -> None:
    steps = [abs(lightness(one) - lightness(other)) for one, other in combinations(astuple(theme.experts), 2)]
    assert min(steps) >= 8


@THEMES
def test_parts_of_memory_differ_in_lightness_from_their_neighbours(theme: Theme) -> None:
    steps = [abs(lightness(one) - lightness(other)) for one, other in pairwise(astuple(theme.memory))]
    assert min(steps) >= 8


def test_the_themes_are_light_and_dark() -> None:
    assert luminance(LIGHT.surface) > 0.8 > 0.05 > luminance(DARK.surface)
    assert (LIGHT.is_dark, DARK.is_dark) == (False, True)
