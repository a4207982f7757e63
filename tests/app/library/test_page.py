"""The page of models, in the whole application: seen, chosen, loaded, packed, left, by keyboard and mouse."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from fakes.application import application
from fakes.scripted_models import GIB, serves_models
from fakes.scripted_worker import Step, expect, failed, hello, loads, say, worker
from offload.protocol_files import PlanRequest
from offload_app.bootstrap import Application
from offload_app.engine_state import EngineState
from offload_app.library.library import Library
from offload_app.library.page import ModelPage
from offload_app.library.readings.plan import SPARE_BYTES
from offload_app.library.shelf import DEMO
from offload_app.model_choices import ModelChoice
from offload_app.settings import Settings, ThemeChoice
from offload_app.settings_file import SettingsFile
from offload_app.theme import SIZES

WAIT_MS = 20000
CTRL, SHIFT, NONE = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier(0)
UNLOADED = say({"type": "unloaded", "id": "$id"})
ENGINE = (hello(), loads(), loads("/x.gguf"), expect("unload"), UNLOADED)

Start = Callable[..., AbstractContextManager[Application]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two models."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("a.gguf", "b.gguf"):
        (folder / name).write_bytes(b"x")
    return folder


@pytest.fixture
def parts(qtbot: QtBot, tmp_path: Path, folder: Path, request: pytest.FixtureRequest) -> Iterator[Application]:
    """Return an application whose page of models is shown and has looked at everything."""
    step: Step = getattr(request, "param", serves_models())
    settings = Settings(models_folder=str(folder), other_models=(str(tmp_path / "gone.gguf"),))
    SettingsFile(tmp_path / "home" / "config" / "app.json").write(settings)
    with application(tmp_path / "home", *ENGINE, library=worker(hello(), step)) as parts:
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
        parts.window.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is parts.window)
        show(parts)
        qtbot.waitUntil(lambda: is_looked_at(parts.library), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: page(parts).detail.plan.reading.is_known, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: is_shown(parts), timeout=WAIT_MS)
        yield parts


def is_looked_at(library: Library) -> bool:
    return len(library.models) == 4 and all(m.summary or m.refusal or m.is_missing for m in library.models)


def is_shown(parts: Application) -> bool:
    rows = page(parts).list.rows.rows
    return len(rows) == 4 and all(row.trouble or "·" in row.facts for row in rows)


def page(parts: Application) -> ModelPage:
    return parts.window.models


def press(parts: Application, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(QApplication.focusWidget() or parts.window, key, modifier)


def show(parts: Application) -> None:
    press(parts, Qt.Key.Key_M, CTRL | SHIFT)
    assert page(parts).isVisible()


def choose(qtbot: QtBot, parts: Application, name: str) -> str:
    """Choose the model of file `name` in the list, and return its key."""
    (key,) = [row.key for row in page(parts).list.rows.rows if os.path.basename(row.key) == name]
    page(parts).list.choose(key)
    return key


def await_plan(qtbot: QtBot, parts: Application, key: str) -> None:
    outlook = parts.library
    qtbot.waitUntil(
        lambda: outlook.outlook is not None and outlook.outlook.key == key and outlook.outlook.outline is not None,
        timeout=WAIT_MS,
    )


def test_the_page_takes_the_place_of_the_chat_and_gives_it_back(parts: Application) -> None:
    assert not parts.window.page.isVisible()
    assert parts.window.conversations.isVisible()
    assert parts.window.gauges.isVisible()
    press(parts, Qt.Key.Key_Escape)
    assert parts.window.page.isVisible()
    focus = QApplication.focusWidget()
    assert focus is not None
    assert parts.window.page.composer.isAncestorOf(focus)
    show(parts)
    page(parts).back.click()
    assert parts.window.page.isVisible()


def test_a_click_on_the_model_s_name_shows_the_page(qtbot: QtBot, parts: Application) -> None:
    press(parts, Qt.Key.Key_Escape)
    QTest.mouseClick(parts.window._model_label, Qt.MouseButton.LeftButton)
    assert page(parts).isVisible()


def test_a_new_conversation_brings_the_chat_back(parts: Application) -> None:
    press(parts, Qt.Key.Key_N, CTRL)
    assert parts.window.page.isVisible()
    show(parts)
    parts.window.conversations.new.click()
    assert parts.window.page.isVisible()


def test_all_models_are_listed_with_what_is_known_of_them(qtbot: QtBot, parts: Application) -> None:
    qtbot.waitUntil(lambda: page(parts).list.rows.rows[-1].trouble != "", timeout=WAIT_MS)
    rows = page(parts).list.rows.rows
    assert [row.title for row in rows] == ["Demo model", "a", "b", "gone"]
    assert [row.state for row in rows] == ["loaded", "", "", ""]
    assert rows[1].facts == "Q4_K_M · 8.0 GB · qwen3moe · 128 experts, 8 used"
    assert rows[3].trouble == "The file is not there any more."


def test_the_list_is_walked_by_keyboard_and_the_detail_follows(qtbot: QtBot, parts: Application, folder: Path) -> None:
    assert QApplication.focusWidget() is page(parts).list.view
    press(parts, Qt.Key.Key_Down)
    assert page(parts).detail.title.text() == "a"
    assert page(parts).detail.path.text() == str(folder / "a.gguf")
    await_plan(qtbot, parts, str(folder / "a.gguf"))


def test_a_model_is_loaded_with_the_budget_and_context_that_were_chosen(
    qtbot: QtBot, parts: Application, folder: Path
) -> None:
    key = choose(qtbot, parts, "a.gguf")
    await_plan(qtbot, parts, key)
    card = page(parts).detail.plan
    QTest.keyClick(card.slider, Qt.Key.Key_Home)
    QTest.keyClick(card.context, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: parts.library.outlook is not None and parts.library.outlook.n_ctx == 32768)
    page(parts).detail.load.click()
    load = parts.engine.model_load
    assert load is not None
    least = GIB + SPARE_BYTES
    assert (load.model, load.config.memory, load.config.n_ctx) == (key, least, 32768)
    assert parts.settings.current.choices.of(key) == ModelChoice(least, 32768)
    qtbot.waitUntil(lambda: page(parts).list.rows.rows[1].is_loaded, timeout=WAIT_MS)
    assert page(parts).detail.load.text() == "&Load again"


def test_moving_the_slider_asks_the_worker_nothing(qtbot: QtBot, parts: Application) -> None:
    key = choose(qtbot, parts, "a.gguf")
    await_plan(qtbot, parts, key)
    asked = parts.library._plan_id
    for press_key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_End):
        QTest.keyClick(page(parts).detail.plan.slider, press_key)
    assert parts.library._plan_id == asked
    assert page(parts).detail.plan.reading.point == 2


def test_what_was_chosen_is_there_again_when_one_comes_back(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    await_plan(qtbot, parts, page(parts).chosen)
    QTest.keyClick(page(parts).detail.plan.slider, Qt.Key.Key_Home)
    choose(qtbot, parts, "b.gguf")
    await_plan(qtbot, parts, page(parts).chosen)
    assert page(parts).detail.plan.automatic.isChecked()
    choose(qtbot, parts, "a.gguf")
    await_plan(qtbot, parts, page(parts).chosen)
    assert not page(parts).detail.plan.automatic.isChecked()


def test_the_loaded_model_is_unloaded(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    await_plan(qtbot, parts, page(parts).chosen)
    QTest.keyClick(page(parts).list.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page(parts).detail.unload.isVisible(), timeout=WAIT_MS)
    page(parts).detail.unload.click()
    qtbot.waitUntil(lambda: parts.engine.state is EngineState.READY, timeout=WAIT_MS)
    assert not page(parts).detail.unload.isVisible()


@pytest.mark.parametrize("parts", [serves_models(refuses=["a.gguf"])], indirect=True)
def test_a_file_that_cannot_be_read_says_why_and_is_not_loaded(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    detail = page(parts).detail
    assert detail.trouble.text() == "a.gguf is cut off. Get it again."
    assert detail.load.isHidden()
    assert detail.plan.isHidden()
    QTest.keyClick(page(parts).list.view, Qt.Key.Key_Return)
    assert parts.engine.state is EngineState.LOADED
    assert parts.engine.model_load is not None
    assert parts.engine.model_load.model is None


@pytest.mark.parametrize("parts", [serves_models(dies_of=["a.gguf"])], indirect=True)
def test_a_file_that_kills_the_worker_costs_a_sentence(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    assert "a.gguf ended in the middle, twice" in page(parts).detail.trouble.text()
    assert parts.engine.state is EngineState.LOADED


def test_a_file_that_vanishes_before_the_click_is_refused_in_words(qtbot: QtBot, tmp_path: Path, folder: Path) -> None:
    SettingsFile(tmp_path / "config" / "app.json").write(Settings(models_folder=str(folder)))
    engine = (hello(), loads(), expect("load"), failed("ModelNotFoundError", "There is no such file."))
    with application(tmp_path, *engine) as parts:
        qtbot.waitUntil(lambda: parts.engine.state is EngineState.LOADED, timeout=WAIT_MS)
        parts.window.show_models()
        qtbot.waitUntil(lambda: len(page(parts).list.rows.rows) == 3, timeout=WAIT_MS)
        key = choose(qtbot, parts, "a.gguf")
        await_plan(qtbot, parts, key)
        Path(key).unlink()
        page(parts).detail.load.click()
        qtbot.waitUntil(lambda: "no such file" in str(parts.window.notices.notices), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: len(page(parts).list.rows.rows) == 2, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: page(parts).detail.load.isHidden(), timeout=WAIT_MS)
        assert page(parts).detail.trouble.text() == "The file is not there any more."


def test_a_file_that_is_gone_is_removed_from_the_list(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "gone.gguf")
    assert page(parts).detail.forget.isVisible()
    page(parts).detail.forget.click()
    assert parts.settings.current.other_models == ()
    qtbot.waitUntil(lambda: len(page(parts).list.rows.rows) == 3, timeout=WAIT_MS)
    choose(qtbot, parts, "b.gguf")
    assert not page(parts).detail.forget.isVisible()


def test_a_model_put_into_the_folder_appears(qtbot: QtBot, parts: Application, folder: Path) -> None:
    (folder / "نموذج.gguf").write_bytes(b"x")
    qtbot.waitUntil(lambda: "نموذج" in [row.title for row in page(parts).list.rows.rows], timeout=WAIT_MS)


def test_a_dropped_file_is_shown_on_the_page_and_listed_from_now_on(
    qtbot: QtBot, parts: Application, tmp_path: Path
) -> None:
    dropped = tmp_path / "dropped.gguf"
    dropped.write_bytes(b"x")
    parts.window._drop.dropped.emit(str(dropped))
    assert page(parts).chosen == str(dropped)
    await_plan(qtbot, parts, str(dropped))
    assert parts.settings.current.other_models[-1] == str(dropped)
    assert parts.engine.model_load is not None
    assert parts.engine.model_load.model is None


def test_a_file_dropped_on_the_chat_is_opened_and_listed(qtbot: QtBot, parts: Application, tmp_path: Path) -> None:
    dropped = tmp_path / "dropped.gguf"
    dropped.write_bytes(b"x")
    press(parts, Qt.Key.Key_Escape)
    parts.window._drop.dropped.emit(str(dropped))
    qtbot.waitUntil(lambda: parts.settings.current.model == str(dropped), timeout=WAIT_MS)
    assert parts.settings.current.other_models[-1] == str(dropped)


def test_a_file_of_the_folder_is_not_listed_as_another(parts: Application, folder: Path) -> None:
    before = parts.settings.current.other_models
    page(parts).remember(str(folder / "a.gguf"))
    page(parts).remember("")
    assert parts.settings.current.other_models == before


def test_open_file_asks_for_one(qtbot: QtBot, parts: Application) -> None:
    page(parts).open_file.click()
    (dialog,) = parts.window.findChildren(QFileDialog)
    qtbot.waitUntil(dialog.isVisible)
    dialog.reject()


def test_the_folder_is_shown_by_the_system(
    qtbot: QtBot, parts: Application, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    choose(qtbot, parts, "a.gguf")
    page(parts).detail.show_folder.click()
    assert opened == [str(folder)]


@pytest.mark.parametrize("parts", [serves_models(packs="until stopped", expert_bytes=1 << 20)], indirect=True)
def test_packing_is_begun_seen_and_cancelled(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    card = page(parts).detail.pack
    assert card.button.text() == "&Pack"
    card.button.click()
    qtbot.waitUntil(lambda: card.progress.value() == 250, timeout=WAIT_MS)
    assert page(parts).list.rows.rows[1].state == "packing 25 %"
    card.button.click()
    qtbot.waitUntil(lambda: card.button.text() == "&Pack" and card.progress.isHidden(), timeout=WAIT_MS)


@pytest.mark.parametrize("parts", [serves_models(packs="until the disk is full", expert_bytes=1 << 20)], indirect=True)
def test_a_disk_that_is_full_is_said_where_packing_was_asked_for(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    page(parts).detail.pack.button.click()
    trouble = page(parts).detail.pack.trouble
    qtbot.waitUntil(lambda: trouble.text() == "The disk is full. Make room.", timeout=WAIT_MS)


@pytest.mark.parametrize("parts", [serves_models(expert_bytes=1 << 60)], indirect=True)
def test_without_room_packing_is_not_begun(qtbot: QtBot, parts: Application) -> None:
    choose(qtbot, parts, "a.gguf")
    card = page(parts).detail.pack
    assert "There is no room" in card.trouble.text()
    assert not card.button.isEnabled()


def test_everything_is_reached_by_keyboard_and_has_a_name(parts: Application) -> None:
    nameless = [
        widget
        for widget in page(parts).findChildren(QWidget)
        if widget.window() is parts.window
        and Qt.FocusPolicy.TabFocus in widget.focusPolicy()
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
    ]
    assert nameless == []
    wanted = {page(parts).detail.load, page(parts).detail.plan.slider, page(parts).back, page(parts).detail.pack.button}
    reached = set()
    for _ in range(40):
        press(parts, Qt.Key.Key_Tab)
        reached.add(QApplication.focusWidget())
    assert wanted & {widget for widget in reached if widget is not None} == {w for w in wanted if w.isEnabled()}


def test_letters_are_not_those_of_the_menus(parts: Application) -> None:
    texts = [button.text() for button in page(parts).findChildren(QAbstractButton) if button.isVisible()]
    menus = [menu.text() for menu in parts.window.menuBar().actions()]
    letters = [text[text.index("&") + 1].casefold() for text in (*texts, *menus, "Conte&xt") if "&" in text]
    assert len(letters) == len(set(letters)), letters


def test_the_page_follows_theme_and_width(qtbot: QtBot, parts: Application) -> None:
    parts.settings.change(theme=ThemeChoice.DARK, budget="170M")
    parts.window.resize(800, 500)
    qtbot.waitUntil(lambda: parts.window.width() == 800)
    assert page(parts).sides.orientation() is Qt.Orientation.Vertical
    detail = page(parts).detail
    widest = detail.viewport().width() - 2 * SIZES.margin
    qtbot.waitUntil(lambda: detail.plan.width() <= widest and detail.title.width() <= widest)
    buttons = (page(parts).more, page(parts).open_file, page(parts).back)
    qtbot.waitUntil(lambda: all(button.width() >= button.minimumSizeHint().width() for button in buttons))
    parts.window.resize(1700, 900)
    qtbot.waitUntil(lambda: page(parts).sides.orientation() is Qt.Orientation.Horizontal)


def test_another_folder_of_the_preferences_is_looked_at(qtbot: QtBot, parts: Application, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.gguf").write_bytes(b"x")
    parts.settings.change(models_folder=str(other))
    qtbot.waitUntil(lambda: [row.title for row in page(parts).list.rows.rows] == ["Demo model", "c", "gone"])
    parts.settings.change(models_folder=str(tmp_path / "none"))
    qtbot.waitUntil(lambda: "does not exist yet" in page(parts).folder.text(), timeout=WAIT_MS)


def test_with_another_device_of_the_preferences_the_chosen_model_is_planned_anew(
    qtbot: QtBot, parts: Application
) -> None:
    asked: list[PlanRequest] = []
    parts.library._asker.planned.connect(lambda request, _: asked.append(request))
    parts.settings.change(device="CUDA0", vram="6G")
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    assert {(request.config.device, request.config.vram) for request in asked} == {("CUDA0", "6G")}


def test_hidden_the_page_lets_the_disk_rest(qtbot: QtBot, parts: Application) -> None:
    assert parts.library._watch.watched_folders
    press(parts, Qt.Key.Key_Escape)
    assert not parts.library._watch.watched_folders
    assert page(parts).chosen == DEMO
