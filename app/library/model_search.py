"""The search: the catalogue that travels with the program, and what the hub said of names a person typed; no widget.

Invariants, each with its test in tests/app/library/test_model_search.py:
1. The catalogue is asked for once; where that failed, with the next wish again.
2. The hub is asked only by `look_up`.
3. A name that is being looked up is not asked for again; one that was refused is.

Thread rule: the thread of Qt's event loop only.
"""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from offload.protocol import CatalogEntry, ModelOffer
from offload.protocol_errors import ErrorReport
from offload.protocol_hub import CatalogRequest, Find
from offload_app.library.library_client import LibraryClient
from offload_app.library.lookup import Lookup


class ModelSearch(QObject):
    """Knows which models may be downloaded; `asker` reads the catalogue, `scout` asks the hub."""

    changed = Signal()

    def __init__(self, asker: LibraryClient, scout: LibraryClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asker, self._scout = asker, scout
        self._entries: tuple[CatalogEntry, ...] = ()
        self._refusal: ErrorReport | None = None
        self._is_asked = False
        self._lookups: dict[str, Lookup] = {}
        self._asking: dict[int, str] = {}
        asker.listed.connect(self._on_listed)
        asker.refused.connect(self._on_catalog_refused)
        scout.found.connect(self._on_found)
        scout.refused.connect(self._on_refused)
        scout.cancelled.connect(self._on_cancelled)

    @property
    def entries(self) -> tuple[CatalogEntry, ...]:
        """Return the catalogue, as far as it is there."""
        return self._entries

    @property
    def refusal(self) -> ErrorReport | None:
        """Return why there is no catalogue."""
        return self._refusal

    @property
    def lookups(self) -> Mapping[str, Lookup]:
        """Return what was looked up, by the names in small letters."""
        return self._lookups

    def begin(self) -> None:
        """Have the catalogue read, where it is not there yet."""
        if not self._is_asked:
            self._is_asked = True
            self._asker.catalog()

    def look_up(self, name: str, models_folder: str) -> None:
        """Ask the hub for a model."""
        key = name.casefold()
        if key not in self._asking.values():
            self._asking[self._scout.find(name, models_folder)] = key
            self._put(Lookup(name))

    def shutdown(self) -> None:
        """Ask the scout to end, telling nobody."""
        self._scout.shutdown()

    def close(self) -> None:
        """End the scout at once; may be called again."""
        self._scout.close()

    def _put(self, lookup: Lookup) -> None:
        self._lookups[lookup.name.casefold()] = lookup
        self.changed.emit()

    def _on_listed(self, _: CatalogRequest, entries: tuple[CatalogEntry, ...]) -> None:
        self._entries, self._refusal = entries, None
        self.changed.emit()

    def _on_catalog_refused(self, request: object, report: ErrorReport) -> None:
        if isinstance(request, CatalogRequest):
            self._is_asked, self._refusal = False, report
            self.changed.emit()

    def _on_found(self, request: Find, offer: ModelOffer) -> None:
        if self._asking.pop(request.id, None) is not None:
            self._put(Lookup(request.name, offer))

    def _on_refused(self, request: object, report: ErrorReport) -> None:
        if isinstance(request, Find) and self._asking.pop(request.id, None) is not None:
            self._put(Lookup(request.name, refusal=report))

    def _on_cancelled(self, request: object) -> None:
        if isinstance(request, Find) and (key := self._asking.pop(request.id, None)) is not None:
            self._lookups.pop(key, None)
            self.changed.emit()
