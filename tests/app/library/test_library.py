"""The library: which models there are, what is known of each, and what is under way."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import GIB, inspected, planned, serves_models
from fakes.scripted_worker import Step, expect_next, hello, worker
from offload.protocol import EngineConfig, PackState
from offload_app.library.folder_watch import FolderWatch
from offload_app.library.library import Library
from offload_app.library.library_client import LibraryClient
from offload_app.library.shelf import DEMO, ShelvedModel

WAIT_MS = 20000


@contextmanager
def library(
    folder: Path, *steps: Step | Sequence[Step], others: tuple[str, ...] = (), is_active: bool = True
) -> Iterator[Library]:
    """Yield a library of `folder` that somebody looks at; its workers do `steps`, else serve any model."""
    command = worker(hello(), *(steps or (serves_models(),)))
    above = QObject()
    asker, packer = LibraryClient(command, parent=above), LibraryClient(command, parent=above)
    parts = Library(asker, packer, FolderWatch(parent=above), above)
    try:
        parts.set_sources(str(folder), others)
        parts.set_active(is_active)
        yield parts
    finally:
        parts.close()
        above.deleteLater()


def put(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return str(path)


def await_all(qtbot: QtBot, parts: Library, n: int) -> tuple[ShelvedModel, ...]:
    """Wait until `n` models are listed and each was looked at."""

    def is_so() -> bool:
        models = parts.models
        return len(models) == n and all(m.summary or m.refusal or m.is_missing for m in models)

    qtbot.waitUntil(is_so, timeout=WAIT_MS)
    return parts.models


def model(parts: Library, key: str) -> ShelvedModel:
    found = parts.model(key)
    assert found is not None
    return found


def test_the_demo_model_and_those_of_the_folder_are_looked_at(qtbot: QtBot, tmp_path: Path) -> None:
    a, b = put(tmp_path / "a.gguf"), put(tmp_path / "b" / "b.gguf")
    with library(tmp_path) as parts:
        models = await_all(qtbot, parts, 3)
        assert [m.key for m in models] == [DEMO, a, b]
        assert models[1].summary is not None
        assert models[1].summary.path == a


def test_the_demo_model_is_there_without_any_folder(qtbot: QtBot, tmp_path: Path) -> None:
    with library(tmp_path / "none") as parts:
        assert [m.key for m in parts.models] == [DEMO]
        (demo,) = await_all(qtbot, parts, 1)
        assert demo.path == "/data/demo.gguf"


def test_the_demo_model_s_file_in_the_folder_is_not_listed_again(qtbot: QtBot, tmp_path: Path) -> None:
    demo, other = put(tmp_path / "demo.gguf"), put(tmp_path / "z.gguf")
    steps = (expect_next("inspect"), inspected(path=demo), serves_models())
    with library(tmp_path, *steps) as parts:
        qtbot.waitUntil(lambda: parts.models[0].path == demo, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: [m.key for m in parts.models] == [DEMO, other], timeout=WAIT_MS)


def test_files_from_elsewhere_are_listed_and_gone_ones_said(qtbot: QtBot, tmp_path: Path) -> None:
    other, gone = put(tmp_path / "elsewhere" / "o.gguf"), str(tmp_path / "gone.gguf")
    (tmp_path / "models").mkdir()
    with library(tmp_path / "models", others=(other, gone)) as parts:
        models = await_all(qtbot, parts, 3)
        assert [(m.key, m.is_other, m.is_missing) for m in models[1:]] == [(other, True, False), (gone, True, True)]


def test_a_file_is_looked_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    put(tmp_path / "a.gguf")
    steps = [step for n in (1, 2) for step in (expect_next("inspect"), inspected(n_layer=n))]
    with library(tmp_path, *steps, expect_next("plan"), planned(), expect_next("shutdown")) as parts:
        await_all(qtbot, parts, 2)
        parts.set_sources(str(tmp_path), ())
        with qtbot.waitSignal(parts.changed, timeout=WAIT_MS):
            pass
        parts.plan(DEMO, EngineConfig())
        qtbot.waitUntil(lambda: parts.outlook is not None and parts.outlook.outline is not None, timeout=WAIT_MS)


def test_a_file_that_changed_is_looked_at_again(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    steps = [step for n in (1, 2, 3) for step in (expect_next("inspect"), inspected(n_layer=n))]
    with library(tmp_path, *steps) as parts:
        await_all(qtbot, parts, 2)
        Path(a).write_bytes(b"longer")
        parts.set_sources(str(tmp_path), ())
        qtbot.waitUntil(lambda: getattr(model(parts, a).summary, "n_layer", 0) == 3, timeout=WAIT_MS)


def test_a_file_that_cannot_be_read_says_why_and_others_go_on(qtbot: QtBot, tmp_path: Path) -> None:
    bad, good = put(tmp_path / "bad.gguf"), put(tmp_path / "good.gguf")
    with library(tmp_path, serves_models(refuses=["bad.gguf"])) as parts:
        await_all(qtbot, parts, 3)
        refusal = model(parts, bad).refusal
        assert refusal is not None
        assert refusal.message == "bad.gguf is cut off."
        assert model(parts, good).summary is not None


def test_a_file_that_kills_the_worker_is_named_and_others_go_on(qtbot: QtBot, tmp_path: Path) -> None:
    bad, good = put(tmp_path / "bad.gguf"), put(tmp_path / "good.gguf")
    with library(tmp_path, serves_models(dies_of=["bad.gguf"])) as parts:
        await_all(qtbot, parts, 3)
        refusal = model(parts, bad).refusal
        assert refusal is not None
        assert "bad.gguf" in refusal.message
        assert model(parts, good).summary is not None


def test_a_file_that_goes_away_is_not_listed_any_more(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    with library(tmp_path) as parts:
        await_all(qtbot, parts, 2)
        Path(a).unlink()
        parts.set_sources(str(tmp_path), ())
        qtbot.waitUntil(lambda: parts.model(a) is None, timeout=WAIT_MS)


def test_the_outlook_is_the_last_that_was_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    with library(tmp_path) as parts:
        await_all(qtbot, parts, 2)
        for n_ctx in (2048, 8192, 16384):
            parts.plan(a, EngineConfig(n_ctx=n_ctx))
        qtbot.waitUntil(lambda: parts.outlook is not None and parts.outlook.outline is not None, timeout=WAIT_MS)
        assert parts.outlook is not None
        assert parts.outlook.outline is not None
        assert (parts.outlook.key, parts.outlook.n_ctx, parts.outlook.outline.n_ctx) == (a, 16384, 16384)


def test_a_plan_that_is_refused_says_why(qtbot: QtBot, tmp_path: Path) -> None:
    with library(tmp_path, serves_models(refuses=["bad.gguf"])) as parts:
        parts.plan("/bad.gguf", EngineConfig())
        qtbot.waitUntil(lambda: parts.outlook is not None and parts.outlook.refusal is not None, timeout=WAIT_MS)


def test_packing_is_shown_as_it_goes_and_the_file_looked_at_again(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    with library(tmp_path) as parts:
        await_all(qtbot, parts, 2)
        parts.pack(a, force=False)
        assert model(parts, a).pack_fraction == 0.0
        qtbot.waitUntil(lambda: model(parts, a).pack_fraction is None, timeout=WAIT_MS)
        assert model(parts, a).pack_refusal is None
        assert model(parts, a).seen_stamp is not None


def test_packing_is_cancelled_and_tells_no_error(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    with library(tmp_path, serves_models(packs="until stopped")) as parts:
        await_all(qtbot, parts, 2)
        parts.pack(a, force=False)
        parts.pack(a, force=False)
        qtbot.waitUntil(lambda: model(parts, a).pack_fraction == 0.25, timeout=WAIT_MS)
        parts.cancel_packing(a)
        qtbot.waitUntil(lambda: model(parts, a).pack_fraction is None, timeout=WAIT_MS)
        assert model(parts, a).pack_refusal is None


def test_a_full_disk_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    a = put(tmp_path / "a.gguf")
    with library(tmp_path, serves_models(packs="until the disk is full")) as parts:
        await_all(qtbot, parts, 2)
        parts.pack(a, force=False)
        qtbot.waitUntil(lambda: model(parts, a).pack_refusal is not None, timeout=WAIT_MS)


def test_another_model_is_planned_while_one_is_packed(qtbot: QtBot, tmp_path: Path) -> None:
    a, b = put(tmp_path / "a.gguf"), put(tmp_path / "b.gguf")
    with library(tmp_path, serves_models(packs="until stopped")) as parts:
        await_all(qtbot, parts, 3)
        parts.pack(a, force=False)
        parts.plan(b, EngineConfig())
        qtbot.waitUntil(lambda: parts.outlook is not None and parts.outlook.outline is not None, timeout=WAIT_MS)
        assert model(parts, a).pack_fraction is not None


def test_nothing_is_looked_at_while_nobody_looks_on(qtbot: QtBot, tmp_path: Path) -> None:
    put(tmp_path / "a.gguf")
    with library(tmp_path, is_active=False) as parts:
        qtbot.waitUntil(lambda: len(parts.models) == 2, timeout=WAIT_MS)
        assert [m.summary for m in parts.models] == [None, None]
        parts.set_active(True)
        await_all(qtbot, parts, 2)


def test_what_is_chosen_is_looked_at_before_all_others(qtbot: QtBot, tmp_path: Path) -> None:
    paths = [put(tmp_path / f"{n}.gguf") for n in range(5)]
    with library(tmp_path, is_active=False) as parts:
        qtbot.waitUntil(lambda: len(parts.models) == 6, timeout=WAIT_MS)
        order: list[str] = []
        parts._asker.inspected.connect(lambda request, _: order.append(request.model))
        parts.look_first_at(paths[3])
        parts.set_active(True)
        await_all(qtbot, parts, 6)
        assert order[0] == paths[3]


def test_the_demo_model_is_packed_where_it_lies(qtbot: QtBot, tmp_path: Path) -> None:
    with library(tmp_path) as parts:
        (demo,) = await_all(qtbot, parts, 1)
        assert demo.summary is not None
        assert demo.summary.pack_state is PackState.NONE
        assert demo.summary.expert_bytes == 6 * GIB
        packed: list[str] = []
        parts._packer.packed.connect(lambda request, _: packed.append(request.model))
        parts.pack(DEMO, force=True)
        qtbot.waitUntil(lambda: packed == ["/data/demo.gguf"], timeout=WAIT_MS)
