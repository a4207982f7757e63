"""The library: the models there are, what is known of each, and whose plans and packing are under way; no widget.

    disk ──FolderWatch──▶ models ──one at a time──▶ asker: inspected, refused ──▶ known
    a person ──▶ plan (asker, the last wish alone) · pack (packer, beside everything else)
             └─▶ once it is planned: how fast it will be (predictor, as long as that may take)

Invariants, each with its test in tests/app/library/test_library.py:
1. The demo model is always there, first, and once.
2. A file is looked at once, and again only where it or its packed store changed.
3. The outlook is that of the model and the context that were asked for last.
4. While nobody looks on, nothing but packing goes on.
5. A plan is there before its speeds; where these cannot be predicted, it stays as it is.

Thread rule: the thread of Qt's event loop only.
"""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from offload.protocol import EngineConfig, ModelSummary, PlanOutline
from offload.protocol_errors import ErrorReport
from offload.protocol_files import Inspect, Pack, Packed, PlanRequest
from offload_app.library.folder_watch import FolderWatch
from offload_app.library.library_client import LibraryClient
from offload_app.library.readings.speed import with_speeds
from offload_app.library.shelf import DEMO, Outlook, ShelvedModel
from offload_app.model_folder import FolderScan, FoundModel
from offload_app.throttle import Throttle

UPDATES_PER_SECOND = 10.0


class Library(QObject):
    """All models of a person; `asker` and `packer` are two workers, so that packing holds up nothing.

    `predictor` is a third, which measures this machine before it predicts; None: nothing is predicted.
    """

    changed = Signal()
    """Something about the models is another."""
    outlook_changed = Signal()

    def __init__(
        self,
        asker: LibraryClient,
        packer: LibraryClient,
        watch: FolderWatch,
        parent: QObject | None = None,
        *,
        predictor: LibraryClient | None = None,
    ) -> None:
        super().__init__(parent)
        self._asker, self._packer, self._watch, self._predictor = asker, packer, watch, predictor
        self._shelf: dict[str, ShelvedModel] = {DEMO: ShelvedModel(DEMO)}
        self._scan: FolderScan | None = None
        self._others: tuple[str, ...] = ()
        self._inspecting: dict[int, str] = {}
        self._packing: dict[int, str] = {}
        self._plan_id = 0
        self._speed_id = 0
        self._outlook: Outlook | None = None
        self._first = DEMO
        self._is_active = False
        self._throttle = Throttle[None](lambda _: self.changed.emit(), per_second=UPDATES_PER_SECOND, parent=self)
        watch.scanned.connect(self._take_scan)
        asker.inspected.connect(self._on_inspected)
        asker.planned.connect(self._on_planned)
        asker.refused.connect(self._on_refused)
        asker.cancelled.connect(self._on_cancelled)
        packer.packing.connect(self._on_packing)
        packer.packed.connect(self._on_packed)
        packer.refused.connect(self._on_pack_refused)
        packer.cancelled.connect(self._on_pack_cancelled)
        if predictor is not None:
            predictor.planned.connect(self._on_predicted)

    @property
    def models(self) -> tuple[ShelvedModel, ...]:
        """Return the models in the order in which they are listed."""
        demo = self._shelf[DEMO]
        # The demo model is unpacked into the folder where models are looked for.
        return (demo, *(model for key, model in self._shelf.items() if key not in (DEMO, demo.path)))

    @property
    def scan(self) -> FolderScan | None:
        """Return what the last look at the folder found."""
        return self._scan

    @property
    def outlook(self) -> Outlook | None:
        """Return the plans that were asked for last."""
        return self._outlook

    def model(self, key: str) -> ShelvedModel | None:
        """Return what is known of one model."""
        return self._shelf.get(key)

    def set_sources(self, folder: str, others: tuple[str, ...]) -> None:
        """Look in `folder`, and at the files `others`, from now on."""
        self._others = others
        self._watch.look(folder, others)

    def set_active(self, is_active: bool) -> None:
        """Follow the disk and look at files, or rest."""
        self._is_active = is_active
        self._watch.watch(is_active)
        self._inspect_next()

    def look_first_at(self, key: str) -> None:
        """Look at `key` before all other files."""
        self._first = key
        self._inspect_next()

    def look_again_at(self, key: str) -> None:
        """Look at `key` again, whatever is known of it."""
        if key in self._shelf:
            self._put(key, seen_stamp=None)
            self.look_first_at(key)

    def plan(self, key: str, config: EngineConfig) -> None:
        """Have the plans of `key` made, as `config` wants it opened."""
        before = self._outlook
        # Shown until the new ones are there.
        kept = before.outline if before is not None and before.key == key else None
        self._outlook = Outlook(key, config.n_ctx, kept)
        self._speed_id = 0
        self._plan_id = self._asker.plan(key or None, config)
        self.outlook_changed.emit()

    def pack(self, key: str, *, force: bool) -> None:
        """Write the packed store of `key`; nothing where that goes on already."""
        model = self._shelf.get(key)
        if model is not None and model.path and model.pack_fraction is None:
            self._packing[self._packer.pack(model.path, force=force)] = key
            self._put(key, pack_fraction=0.0, pack_refusal=None)

    def cancel_packing(self, key: str) -> None:
        """Stop packing `key`."""
        for request_id, packed in list(self._packing.items()):
            if packed == key:
                self._packer.cancel(request_id)

    def shutdown(self) -> None:
        """Ask the workers to end, telling nobody."""
        self._watch.close()
        self._asker.shutdown()
        self._packer.shutdown()
        if self._predictor is not None:
            self._predictor.shutdown()

    def close(self) -> None:
        """End the workers at once; may be called again."""
        self._watch.close()
        self._throttle.cancel()
        self._asker.close()
        self._packer.close()
        if self._predictor is not None:
            self._predictor.close()

    def _take_scan(self, scan: FolderScan) -> None:
        self._scan = scan
        before = self._shelf
        self._shelf = {DEMO: before[DEMO]}
        others = set(self._others)
        for found in scan.models:
            self._shelve(before, found.path, found, is_other=found.path in others)
        for path in scan.missing:
            self._shelve(before, path, None, is_other=True)
        self._throttle.push(None)
        self._inspect_next()

    def _shelve(self, before: dict[str, ShelvedModel], key: str, found: FoundModel | None, *, is_other: bool) -> None:
        model = before.get(key, ShelvedModel(key))
        if (model.found, model.is_other) != (found, is_other):
            model = replace(model, found=found, is_other=is_other)
        self._shelf[key] = model

    def _inspect_next(self) -> None:
        if not self._is_active or self._inspecting:
            return
        first = self._shelf.get(self._first)
        for model in (*((first,) if first is not None else ()), *self._shelf.values()):
            if model.is_unseen:
                self._inspecting[self._asker.inspect(model.key or None)] = model.key
                stamp = model.found.stamp if model.found is not None else ()
                self._shelf[model.key] = replace(model, seen_stamp=stamp)
                return

    def _on_inspected(self, request: Inspect, summary: ModelSummary) -> None:
        self._put(self._inspecting.pop(request.id, None), summary=summary, refusal=None)
        self._inspect_next()

    def _on_refused(self, request: Inspect | PlanRequest, report: ErrorReport) -> None:
        if isinstance(request, PlanRequest):
            if request.id == self._plan_id and self._outlook is not None:
                self._outlook = replace(self._outlook, outline=None, refusal=report)
                self.outlook_changed.emit()
            return
        self._put(self._inspecting.pop(request.id, None), summary=None, refusal=report)
        self._inspect_next()

    def _on_cancelled(self, request: Inspect | PlanRequest) -> None:
        self._inspecting.pop(request.id, None)
        self._inspect_next()

    def _on_planned(self, request: PlanRequest, outline: PlanOutline) -> None:
        if request.id == self._plan_id and self._outlook is not None:
            before = self._outlook.outline
            if before is not None and before.n_ctx == outline.n_ctx:
                # Until they are predicted anew: what is seen shall not go away for a moment.
                outline = with_speeds(outline, before)
            self._outlook = replace(self._outlook, outline=outline, refusal=None)
            self.outlook_changed.emit()
            if self._predictor is not None:
                self._speed_id = self._predictor.plan(request.model, request.config, with_speed=True)

    def _on_predicted(self, request: PlanRequest, outline: PlanOutline) -> None:
        outlook = self._outlook
        if request.id == self._speed_id and outlook is not None and outlook.outline is not None:
            self._outlook = replace(outlook, outline=with_speeds(outlook.outline, outline))
            self.outlook_changed.emit()

    def _on_packing(self, request: Pack, fraction: float) -> None:
        self._put(self._packing.get(request.id), pack_fraction=fraction)

    def _on_packed(self, request: Pack, _: Packed) -> None:
        self._end_packing(request, None)

    def _on_pack_refused(self, request: Pack, report: ErrorReport) -> None:
        self._end_packing(request, report)

    def _on_pack_cancelled(self, request: Pack) -> None:
        self._end_packing(request, None)

    def _end_packing(self, request: Pack, refusal: ErrorReport | None) -> None:
        key = self._packing.pop(request.id, None)
        if key is not None:
            self._put(key, pack_fraction=None, pack_refusal=refusal)
            self.look_again_at(key)

    def _put(self, key: str | None, **fields: Any) -> None:
        if key is not None and key in self._shelf:
            self._shelf[key] = replace(self._shelf[key], **fields)
            self._throttle.push(None)
