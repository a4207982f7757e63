"""`JsonFile`: a small file of ours that is a help and no more: what is wrong with it never stops anything."""

import json
import os
from contextlib import suppress
from pathlib import Path

_MOST_BYTES = 4 << 20
"""Of a file that is read; a larger one is none of ours."""


class JsonFile:
    """One JSON object in a file. Any thread and process may write it: the last one wins, readers see a whole one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, object]:
        """Return the object; an empty one where the file is missing, damaged or something else."""
        try:
            if self.path.stat().st_size > _MOST_BYTES:
                return {}
            found = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, content: dict[str, object]) -> bool:
        """Put the object in place of what is there; return whether that was possible."""
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(content), "utf-8")
            os.replace(partial, self.path)
        except (OSError, ValueError):
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            return False
        return True


def as_number(found: object) -> float | None:
    """Return a finite number above zero, None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < 1e18:
        return None
    return float(found)
