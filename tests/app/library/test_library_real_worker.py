"""The library with the real worker: a tiny model of one's own, the demo model and a broken file."""

from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.tiny_architectures import TinyArchitecture
from fakes.tiny_models import build_tiny_model
from offload.protocol import EngineConfig, PackState, PlanOutline
from offload_app.engine_client import WORKER_COMMAND
from offload_app.gauges.readings.language import Language
from offload_app.library.folder_watch import FolderWatch
from offload_app.library.library import Library
from offload_app.library.library_client import LibraryClient
from offload_app.library.readings.plan import read_plan
from offload_app.library.shelf import DEMO, ShelvedModel

WAIT_MS = 60000


def test_models_are_inspected_planned_and_packed(qtbot: QtBot, tmp_path: Path) -> None:
    good = str(build_tiny_model(tmp_path / "größer-نموذج.gguf", TinyArchitecture.MIXTRAL))
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(Path(good).read_bytes()[:5000])
    above = QObject()
    asker, packer = (LibraryClient(WORKER_COMMAND, parent=above) for _ in range(2))
    library = Library(asker, packer, FolderWatch(parent=above), above)
    try:
        library.set_sources(str(tmp_path), ())
        library.set_active(True)
        qtbot.waitUntil(lambda: all(is_known(m) for m in library.models), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: len(library.models) == 3 and all(map(is_known, library.models)), timeout=WAIT_MS)
        check_what_is_said(library, good, str(bad))
        for key in (DEMO, good):
            check_plans(planned(qtbot, library, key))
        library.pack(good, force=False)
        qtbot.waitUntil(lambda: pack_state(library, good) is PackState.READY, timeout=WAIT_MS)
        assert (tmp_path / "größer-نموذج.offload").stat().st_size > 0
    finally:
        library.close()
        above.deleteLater()


def is_known(model: ShelvedModel) -> bool:
    return model.summary is not None or model.refusal is not None


def pack_state(library: Library, key: str) -> PackState | None:
    model = library.model(key)
    return model.summary.pack_state if model is not None and model.summary is not None else None


def check_what_is_said(library: Library, good: str, bad: str) -> None:
    demo, tiny, broken = library.model(DEMO), library.model(good), library.model(bad)
    assert demo is not None
    assert demo.summary is not None
    assert demo.summary.n_expert == 32
    assert tiny is not None
    assert tiny.summary is not None
    assert (tiny.summary.n_expert, tiny.summary.n_expert_used) == (8, 2)
    assert pack_state(library, good) is PackState.NONE
    assert broken is not None
    assert broken.refusal is not None
    assert broken.refusal.message
    assert broken.refusal.hint


def planned(qtbot: QtBot, library: Library, key: str) -> PlanOutline:
    library.plan(key, EngineConfig())
    qtbot.waitUntil(lambda: library.outlook is not None and library.outlook.outline is not None, timeout=WAIT_MS)
    assert library.outlook is not None
    assert library.outlook.outline is not None
    return library.outlook.outline


def check_plans(outline: PlanOutline) -> None:
    for point in outline.points:
        reading = read_plan(outline, point.budget_bytes, Language())
        assert reading.is_possible
        assert sum(part.n_bytes for part in reading.parts) <= point.budget_bytes
    assert outline.points[0].budget_bytes == outline.floor_bytes
    assert outline.points[-1].resident_share == pytest.approx(1.0)
