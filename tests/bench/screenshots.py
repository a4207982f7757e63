"""Pictures of the application: `PYTHONPATH=tests python -m bench.screenshots FOLDER`.

The real worker and the demo model answer, in folders that are thrown away; no window appears on the screen. Downloads
come from a hub on 127.0.0.1, which has little more than the names of what the catalogue lists.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from fakes.hub_server import FakeHub, Fault, PlannedFault, running_hub
from fakes.tiny_architectures import TinyArchitecture
from fakes.tiny_models import build_tiny_model
from offload.protocol import GenerationParams
from offload_app.bootstrap import Application, Surroundings, qt_application
from offload_app.engine_state import EngineState
from offload_app.notice import Subject
from offload_app.places import Places
from offload_app.sampling import PRECISE
from offload_app.settings import Settings, ThemeChoice
from offload_app.settings_file import SettingsFile
from offload_app.single_instance import SingleInstance

BUDGET = "170M"
"""Less than the demo model wants, so that the gauges have something to show."""
CONVERSATIONS = (("How do I limit the memory?",), ("Who are you?",), ("What is 23 + 45?",))
LAST_QUESTION = "Tell me a story about a fox and a lamp"
GOT, FAILING = "allenai/OLMoE-1B-7B-0924-Instruct-GGUF:Q4_K_M", "LiquidAI/LFM2.5-8B-A1B-GGUF:Q4_K_M"
COMING, WAITING = "ggml-org/gpt-oss-20b-GGUF:MXFP4", "Qwen/Qwen3-30B-A3B-GGUF:Q4_K_M"
"""Of the catalogue."""
SIZES = {"": (1180, 760), "-small": (800, 500)}
_PATIENCE_MS = 60_000


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of the application with the demo model.")
    parser.add_argument("folder", type=Path, help="where the pictures are written")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    qt = qt_application()
    with tempfile.TemporaryDirectory() as cache:
        # This machine is measured once for all pictures.
        os.environ["XDG_CACHE_HOME"] = cache
        for theme in (ThemeChoice.LIGHT, ThemeChoice.DARK):
            with tempfile.TemporaryDirectory() as home, running_hub() as hub:
                os.environ["HF_ENDPOINT"] = hub.url
                _fill(hub)
                _take(qt, hub, theme, Path(home), folder)
    return 0


def _take(qt: QApplication, hub: FakeHub, theme: ThemeChoice, home: Path, folder: Path) -> None:
    places = Places.below(home)
    # Where the worker unpacks the demo model, which the pictures name.
    os.environ["XDG_DATA_HOME"] = str(home / "data")
    SettingsFile(places.settings).write(Settings(theme=theme, budget=BUDGET))
    _put_models(places.models)
    instance = SingleInstance(places.state)
    instance.claim()
    parts = Application(qt, Surroundings(places), instance)
    try:
        parts.begin()
        parts.window.resize(*SIZES[""])
        _wait(lambda: parts.engine.state is EngineState.LOADED)
        _rest(600)
        _save(parts, folder / f"first-run-{theme.value}.png")
        parts.settings.change(are_gauges_explained=True)
        _talk(parts)
        for suffix, size in SIZES.items():
            parts.window.resize(*size)
            _rest(250)
            _save(parts, folder / f"chat-{theme.value}{suffix}.png")
        _show_models(parts, theme, folder)
        _show_finds(parts, hub, theme, folder)
        parts.window.resize(*SIZES[""])
        parts.window.show_preferences()
        assert parts.window.preferences is not None
        _rest(200)
        _save_widget(parts.window.preferences.grab().save, folder / f"preferences-{theme.value}.png")
    finally:
        parts.end()
        parts.window.deleteLater()
        parts.deleteLater()
        qt.processEvents()


def _put_models(folder: Path) -> None:
    """Put a small model of another kind and one that was not downloaded to its end beside the demo model."""
    below = folder / "example" / "Tiny-MoE-GGUF"
    below.mkdir(parents=True)
    whole = build_tiny_model(below / "Tiny-Mixtral-8x1M-Q4_K.gguf", TinyArchitecture.MIXTRAL)
    (below / "Tiny-Mixtral-8x1M-Q8_0.gguf").write_bytes(whole.read_bytes()[:50_000])


def _show_models(parts: Application, theme: ThemeChoice, folder: Path) -> None:
    """Show the page of models, with a budget of the demo model that leaves some of its experts on the disk."""
    parts.window.show_models()
    page = parts.window.models
    _wait(lambda: page.detail.plan.reading.is_known)
    _wait(page.detail.plan.speed.isVisible)
    page.detail.plan.slider.chosen.emit(page.detail.plan.slider.maximum() // 2)
    for suffix, size in SIZES.items():
        parts.window.resize(*size)
        _wait(lambda: not any(model.is_unseen for model in parts.library.models))
        _rest(400)
        _save(parts, folder / f"models-{theme.value}{suffix}.png")
    parts.window.show_chat()


def _fill(hub: FakeHub) -> None:
    """Put files of some size into the hub."""
    sizes = {GOT: 3 << 20, COMING: 160 << 20, WAITING: 8 << 20}
    for name, n_bytes in sizes.items():
        repo, _, quant = name.partition(":")
        hub.add(repo, {f"model-{quant}.gguf": repo.encode() + bytes(n_bytes)})


def _show_finds(parts: Application, hub: FakeHub, theme: ThemeChoice, folder: Path) -> None:
    """Show the models to get: one that has come, one that comes, one that waits, and one that was not found."""
    parts.window.show_finds()
    page = parts.window.finds
    _wait(lambda: bool(page.list.rows.rows))
    for name in (GOT, FAILING, COMING, WAITING):
        page.list.choose(name)
        page.offer.button.click()
        if name in (GOT, FAILING):
            _wait(lambda: not parts.downloads.n_under_way)
            hub.faults[:] = [
                PlannedFault(Fault.CUT, 61 << 20),
                PlannedFault(Fault.STATUS, 503),
                PlannedFault(Fault.HOLD, 1 << 20),
            ]
    page.list.choose(COMING)
    _wait(lambda: parts.downloads.running is not None and bool(parts.downloads.running.bytes_per_second))
    _rest(300)
    parts.window.notices.clear(Subject.DOWNLOAD)
    for suffix, size in SIZES.items():
        parts.window.resize(*size)
        _rest(250)
        _save(parts, folder / f"get-models-{theme.value}{suffix}.png")
    parts.window.show_chat()


def _talk(parts: Application) -> None:
    """Have some conversations; the pictures show the last one while it is answered."""
    sampling = PRECISE.applied_to(GenerationParams(seed=1))
    for conversation in CONVERSATIONS:
        parts.session.new()
        parts.session.set_sampling(sampling)
        for question in conversation:
            _ask(parts, question)
    _wait(lambda: parts.session.can_send)
    parts.session.send(LAST_QUESTION)
    _wait(lambda: len(parts.session.conversation.messages[-1].text) > 120)


def _ask(parts: Application, question: str) -> None:
    _wait(lambda: parts.session.can_send)
    parts.session.send(question)
    _wait(lambda: not parts.session.is_answering)
    _rest(300)


def _save(parts: Application, path: Path) -> None:
    _save_widget(parts.window.grab().save, path)


def _save_widget(save: Callable[[str], bool], path: Path) -> None:
    if not save(str(path)):
        raise OSError(f"{path} could not be written")
    sys.stdout.write(f"{path}\n")


def _wait(is_so: Callable[[], bool]) -> None:
    """Let the application run until something is so.

    Raises:
        TimeoutError: it does not become so.
    """
    for _ in range(_PATIENCE_MS // 20):
        if is_so():
            return
        _rest(20)
    raise TimeoutError("The application did not get that far.")


def _rest(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    sys.exit(main())
