"""The settings control: the settings in force, who is told of a change, and when they are kept."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from offload_app.settings import Settings
from offload_app.settings_file import SettingsFile


class SettingsControl(QObject):
    """Holds the settings, and keeps every change. Thread rule: the UI thread only."""

    changed = Signal(object, object)
    """Settings: those before, and those in force now."""
    not_kept = Signal(str)
    """A sentence: told once, however often writing fails."""

    def __init__(self, file: SettingsFile, parent: QObject | None = None) -> None:
        """Read the settings; `trouble` is a sentence where that went wrong."""
        super().__init__(parent)
        self._file = file
        self._is_told = False
        self._current, self.trouble = file.read()

    @property
    def current(self) -> Settings:
        """Return the settings in force."""
        return self._current

    def change(self, **fields: Any) -> None:
        """Put `fields` of the settings to new values, and keep them; nothing where they are as they were."""
        self.put(replace(self._current, **fields))

    def put(self, settings: Settings) -> None:
        """Put all of `settings` in force, and keep them."""
        before = self._current
        if settings == before:
            return
        self._current = settings
        self.changed.emit(before, settings)
        trouble = self._file.write(settings)
        if trouble and not self._is_told:
            self._is_told = True
            self.not_kept.emit(trouble)
