"""The pictures of the application: SVG files, and where they are."""

from pathlib import Path

_FOLDER = Path(__file__).parent
APPLICATION = _FOLDER / "offload.svg"
ARROW_DOWN = _FOLDER / "arrow-down.svg"
ARROW_UP = _FOLDER / "arrow-up.svg"
