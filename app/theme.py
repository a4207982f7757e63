"""Colours and sizes of the application: values of the light and the dark theme, as plain text and numbers.

Text is readable on its ground (contrast of at least 4.5 to 1), and no meaning is carried by hue alone: what lies side
by side in a gauge differs in lightness too. Hues follow the palette of Okabe and Ito, which the colour-blind can tell
apart. Colours are `#rrggbb`, sizes are device-independent pixels.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryColours:
    """Fill of the parts of memory, in the order in which they are stacked."""

    dense: str
    context: str
    compute: str
    slots: str
    cache: str
    staging: str
    forecast: str
    runtime: str
    free: str


@dataclass(frozen=True, slots=True)
class ExpertColours:
    """Fill of an expert's cell in the heat map, by its state."""

    absent: str
    loading: str
    ready: str
    just_read: str
    pinned: str
    forecast_right: str
    forecast_wrong: str


@dataclass(frozen=True, slots=True)
class Theme:
    """Every colour the application paints with."""

    name: str
    is_dark: bool
    window: str
    """Ground of the window."""
    surface: str
    """Ground of panels, cards and answers."""
    raised: str
    """Ground of what lies on a surface: fields, the person's own messages."""
    code: str
    """Ground of code."""
    border: str
    """Lines between things."""
    outline: str
    """Frame of what can be typed into or pressed."""
    text: str
    muted: str
    """Text of less weight."""
    accent: str
    """Buttons, links, the frame of what has the focus."""
    on_accent: str
    """Text on the accent colour."""
    selection: str
    """Ground of selected text and rows."""
    error: str
    warning: str
    success: str
    track: str
    """Empty part of a bar."""
    curve: str
    """Line of a gauge's history."""
    memory: MemoryColours
    experts: ExpertColours


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths that both themes share."""

    margin: int = 12
    """Between a panel's edge and what it holds."""
    gap: int = 8
    """Between things that belong together."""
    small_gap: int = 4
    radius: int = 6
    focus_line: int = 2
    bar: int = 14
    """Height of a bar."""
    mark: int = 5
    """Height of the measured line below a bar."""
    curve: int = 24
    """Height of a gauge's history."""
    swatch: int = 9
    """Side of the coloured square in a legend."""
    largest_cell: int = 10
    """Side of an expert's cell where there is much room."""
    narrowest_panel: int = 260
    widest_panel: int = 360


SIZES = Sizes()

LIGHT = Theme(
    name="light",
    is_dark=False,
    window="#f3f4f6",
    surface="#ffffff",
    raised="#eaf2f9",
    code="#f0f2f5",
    border="#d3d8df",
    outline="#7d8690",
    text="#1b1f24",
    muted="#535d68",
    accent="#00629f",
    on_accent="#ffffff",
    selection="#cfe5f6",
    error="#b3261e",
    warning="#844600",
    success="#00694a",
    track="#e3e7ec",
    curve="#0072b2",
    memory=MemoryColours(
        dense="#005b8f",
        context="#e69f00",
        compute="#00795a",
        slots="#56b4e9",
        cache="#c9bdf2",
        staging="#b84a00",
        forecast="#7a2f63",
        runtime="#97a1ac",
        free="#e3e7ec",
    ),
    experts=ExpertColours(
        absent="#e6eaef",
        loading="#c46f9c",
        ready="#7cc3ec",
        just_read="#b84a00",
        pinned="#06304d",
        forecast_right="#00543d",
        forecast_wrong="#c79c20",
    ),
)

DARK = Theme(
    name="dark",
    is_dark=True,
    window="#14171b",
    surface="#1c2026",
    raised="#26303a",
    code="#12151a",
    border="#39404a",
    outline="#707b87",
    text="#e8eaed",
    muted="#a5aeb8",
    accent="#6cb8f0",
    on_accent="#0b1a26",
    selection="#1f3e57",
    error="#ff8a80",
    warning="#f0b35a",
    success="#5fd0a5",
    track="#2e343c",
    curve="#56b4e9",
    memory=MemoryColours(
        dense="#2383c4",
        context="#f0b429",
        compute="#00916b",
        slots="#7cc3ec",
        cache="#a99be0",
        staging="#d8631a",
        forecast="#9a4f7d",
        runtime="#a9b2bc",
        free="#2e343c",
    ),
    experts=ExpertColours(
        absent="#2b3139",
        loading="#bf6f9a",
        ready="#2a6f9f",
        just_read="#eda21c",
        pinned="#fff3a6",
        forecast_right="#8fe3c4",
        forecast_wrong="#803530",
    ),
)
