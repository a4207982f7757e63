"""`SettingsFile`: the settings on disk; reads what can be read, and writes the whole or nothing.

Invariants, each proved by the test named (tests/app/test_settings_file.py):
 1. Reading raises nothing, whatever lies there.            test_whatever_lies_there_settings_are_read
 2. The file is at any time the old or the new one, whole.  test_a_write_that_fails_leaves_the_old_settings
 3. What was not understood is told once, and kept aside.   test_damage_is_told_once_and_kept_aside

Thread rule: one thread. A read or a write is a few kilobytes.
"""

import os
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from offload_app.settings import Settings, SettingsRead, settings_from_json, settings_to_json

_MOST_BYTES = 1 << 20


class SettingsFile:
    """Reads and writes the settings in `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> tuple[Settings, str]:
        """Return the settings, and a sentence about what could not be read of them; empty where all could."""
        try:
            with self._path.open("rb") as file:
                read = settings_from_json(file.read(_MOST_BYTES).decode("utf-8"))
        except FileNotFoundError:
            return Settings(), ""
        except UnicodeDecodeError:
            read = SettingsRead(is_damaged=True)
        except OSError as error:
            text = _tr("The settings in {path} could not be read: {reason}. Those of a first start are used.")
            return Settings(), text.format(path=self._path, reason=error.strerror or error)
        if not read.is_damaged and not read.unread:
            return read.settings, ""
        return read.settings, self._put_right(read)

    def write(self, settings: Settings) -> str:
        """Keep `settings`; returns a sentence where they could not be kept, else the empty text."""
        written = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(settings_to_json(settings), encoding="utf-8", errors="replace")
            os.replace(written, self._path)
        except OSError as error:
            text = _tr("The settings could not be written to {path}: {reason}. They are forgotten when you quit.")
            return text.format(path=self._path, reason=error.strerror or error)
        return ""

    def _put_right(self, read: SettingsRead) -> str:
        """Keep the file aside, put what was understood in its place, and return what to tell."""
        aside = self._path.with_suffix(".damaged.json")
        with suppress(OSError):
            os.replace(self._path, aside)
            self.write(read.settings)
        if read.is_damaged:
            return _tr(
                "The settings were damaged: those of a first start are used, the file is kept as {path}."
            ).format(path=aside)
        names = ", ".join(name[:40] for name in read.unread[:5])
        return _tr(
            "Some settings were not understood ({names}) and are as at a first start; the file is kept as {path}."
        ).format(names=names, path=aside)


def _tr(text: str) -> str:
    return QCoreApplication.translate("SettingsFile", text)
