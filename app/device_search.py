"""The search for devices: which of them may compute in the place of the CPU, as a worker said; no widget.

Invariants, each with its test in tests/app/test_device_search.py:
1. The worker is asked only by `look`, and not again while it is asked.
2. What was found is known until it is asked again; a refusal leaves it, and says why.

Thread rule: the thread of Qt's event loop only.
"""

from PySide6.QtCore import QObject, Signal

from offload.protocol import ListedDevice
from offload.protocol_devices import DevicesRequest
from offload.protocol_errors import ErrorReport
from offload_app.library.library_client import LibraryClient


class DeviceSearch(QObject):
    """Knows the devices; `asker` is a worker of its own: drivers take memory, and fall."""

    changed = Signal()

    def __init__(self, asker: LibraryClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asker = asker
        self._devices: tuple[ListedDevice, ...] | None = None
        self._refusal: ErrorReport | None = None
        self._is_looking = False
        asker.devices_listed.connect(self._on_listed)
        asker.refused.connect(self._on_refused)

    @property
    def devices(self) -> tuple[ListedDevice, ...] | None:
        """Return what was found; None: nothing is known yet."""
        return self._devices

    @property
    def refusal(self) -> ErrorReport | None:
        """Return why the last look found nothing out."""
        return self._refusal

    def look(self) -> None:
        """Have the devices listed anew; `changed` follows."""
        if not self._is_looking:
            self._is_looking = True
            self._asker.devices()

    def shutdown(self) -> None:
        """Ask the worker to end, telling nobody."""
        self._asker.shutdown()

    def close(self) -> None:
        """End the worker at once; may be called again."""
        self._asker.close()

    def _on_listed(self, _: DevicesRequest, devices: tuple[ListedDevice, ...]) -> None:
        self._is_looking, self._devices, self._refusal = False, devices, None
        self.changed.emit()

    def _on_refused(self, _: DevicesRequest, report: ErrorReport) -> None:
        self._is_looking, self._refusal = False, report
        self.changed.emit()
