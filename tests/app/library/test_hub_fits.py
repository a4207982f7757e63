"""How models of the hub will run: who is asked, when, and what becomes of the answers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from fakes.scripted_models import fitted, serves_models
from fakes.scripted_worker import Step, expect, expect_next, failed, hello, worker
from offload.protocol import EngineConfig
from offload_app.library.hub_fits import HubFits
from offload_app.library.library_client import LibraryClient
from offload_app.model_choices import ModelChoice, ModelChoices
from offload_app.settings import ThemeChoice
from offload_app.settings_control import SettingsControl
from offload_app.settings_file import SettingsFile

WAIT_MS = 20000
NAME, PATH = "u/r:Q8_0", "/m/u/r/r-Q8_0.gguf"
GIB = 1 << 30
STOPPED = failed("CancelledError", "Stopped: nothing was planned.")


class Asked:
    """The fits, and what they stand on."""

    def __init__(self, above: QObject, folder: Path, steps: Sequence[Step | Sequence[Step]]) -> None:
        self.settings = SettingsControl(SettingsFile(folder / "app.json"), above)
        self.client = LibraryClient(worker(hello(), *(steps or (serves_models(speed=2.0),))), parent=above)
        self.fits = HubFits(self.client, self.settings, above)

    def speeds(self, name: str = NAME) -> list[float]:
        fit = self.fits.of(name)
        outline = fit.outlook.outline if fit is not None else None
        return [point.tokens_per_second for point in outline.points] if outline is not None else []

    def n_ctx(self, name: str = NAME) -> int | None:
        fit = self.fits.of(name)
        return fit.outlook.outline.n_ctx if fit is not None and fit.outlook.outline is not None else None

    def wait(self, qtbot: QtBot, name: str = NAME) -> None:
        """Wait for an answer."""
        qtbot.waitUntil(lambda: (fit := self.fits.of(name)) is not None and not fit.is_asking, timeout=WAIT_MS)


@contextmanager
def fitting(folder: Path, *steps: Step | Sequence[Step]) -> Iterator[Asked]:
    above = QObject()
    asked = Asked(above, folder, steps)
    try:
        yield asked
    finally:
        asked.client.close()
        above.deleteLater()


def test_plans_and_speeds_are_there_after_asking(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        assert asked.fits.of(NAME) is None
        assert not asked.client.has_worker
        asked.fits.ask(NAME, "/m")
        fit = asked.fits.of(NAME)
        assert fit is not None
        assert fit.is_asking
        asked.wait(qtbot)
        assert asked.speeds() == [2.0, 4.0, 6.0]
        fit = asked.fits.of("U/R:q8_0")
        assert fit is not None
        assert fit.summary is not None
        assert fit.summary.path == PATH


def test_it_is_asked_with_the_settings_in_force(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        configs: list[EngineConfig] = []
        asked.client.fitted.connect(lambda request, _: configs.append(request.config))
        asked.settings.change(budget="6G", threads=3)
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        assert configs == [EngineConfig(memory="6G", n_threads=3)]


def test_a_refusal_is_kept_and_may_be_asked_about_again(qtbot: QtBot, tmp_path: Path) -> None:
    refused = failed("HubError", "r is gated.", "Accept its terms.")
    with fitting(tmp_path, (expect_next("fit"), refused, expect_next("fit"), fitted())) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        fit = asked.fits.of(NAME)
        assert fit is not None
        assert fit.outlook.refusal is not None
        assert fit.outlook.refusal.message == "r is gated."
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        assert asked.n_ctx() == 4096


def test_whoever_turns_to_another_model_drops_the_answer(qtbot: QtBot, tmp_path: Path) -> None:
    steps = (expect("fit"), expect("stop"), STOPPED, expect("fit"), fitted(n_ctx=512))
    with fitting(tmp_path, steps) as asked:
        asked.fits.ask(NAME, "/m")
        qtbot.waitUntil(lambda: asked.client.running is not None, timeout=WAIT_MS)
        asked.fits.turn_to("u/other")
        assert asked.fits.of(NAME) is None
        asked.fits.ask("u/other", "/m")
        asked.wait(qtbot, "u/other")
        assert asked.n_ctx("u/other") == 512
        assert asked.fits.of(NAME) is None


def test_an_answer_that_crosses_the_stop_is_told_to_nobody(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path, (expect("fit"), expect("stop"), fitted())) as asked:
        asked.fits.ask(NAME, "/m")
        qtbot.waitUntil(lambda: asked.client.running is not None, timeout=WAIT_MS)
        with qtbot.waitSignal(asked.client.fitted, timeout=WAIT_MS):
            asked.fits.turn_to("u/other")
        assert asked.fits.of(NAME) is None


def test_turning_to_the_model_that_is_asked_about_goes_on(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.fits.ask(NAME, "/m")
        asked.fits.turn_to("U/R:Q8_0")
        asked.wait(qtbot)
        assert asked.n_ctx() == 4096


def test_answers_stay_while_others_are_looked_at(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        for name in (NAME, "u/other"):
            asked.fits.turn_to(name)
            asked.fits.ask(name, "/m")
            asked.wait(qtbot, name)
        assert asked.n_ctx() == asked.n_ctx("u/other") == 4096


def test_another_budget_asks_nobody(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path, (expect_next("fit"), fitted(), expect_next("shutdown"))) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        with qtbot.waitSignal(asked.fits.changed):
            asked.fits.choose(NAME, "/m", ModelChoice(5 * GIB))
        assert asked.fits.choice(NAME) == ModelChoice(5 * GIB)
        assert (asked.client.n_waiting, asked.client.running) == (0, None)


def test_another_context_is_asked_about_and_its_plans_replace_the_first_ones(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        asked.fits.choose(NAME, "/m", ModelChoice(0, 8192))
        assert asked.n_ctx() == 4096
        asked.wait(qtbot)
        assert asked.n_ctx() == 8192


def test_a_context_that_was_chosen_some_other_time_is_asked_about(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.settings.change(choices=ModelChoices(((PATH, ModelChoice(GIB, 2048)),)))
        asked.fits.ask(NAME, "/m")
        qtbot.waitUntil(lambda: asked.n_ctx() == 2048, timeout=WAIT_MS)
        assert asked.fits.choice(NAME) == ModelChoice(GIB, 2048)


def test_a_choice_is_in_the_settings_once_it_is_to_be_kept(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        asked.fits.choose(NAME, "/m", ModelChoice(5 * GIB))
        assert asked.settings.current.choices == ModelChoices()
        asked.fits.keep_choice(NAME)
        assert asked.settings.current.choices.of(PATH) == ModelChoice(5 * GIB)
        assert asked.n_ctx() == 4096


def test_of_a_model_nobody_asked_about_nothing_is_kept(tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.settings.change(choices=ModelChoices((("", ModelChoice(GIB)),)))
        before = asked.settings.current
        asked.fits.keep_choice(NAME)
        assert asked.settings.current == before
        assert asked.fits.choice(NAME) == ModelChoice()


def test_with_other_settings_an_answer_holds_no_more(qtbot: QtBot, tmp_path: Path) -> None:
    with fitting(tmp_path) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        asked.settings.change(theme=ThemeChoice.DARK)
        assert asked.n_ctx() == 4096
        asked.settings.change(budget="6G")
        assert asked.fits.of(NAME) is None


@pytest.mark.parametrize("fields", [{"device": "cpu"}, {"vram": "6G"}])
def test_with_another_device_an_answer_holds_no_more(qtbot: QtBot, tmp_path: Path, fields: dict[str, str]) -> None:
    with fitting(tmp_path) as asked:
        asked.fits.ask(NAME, "/m")
        asked.wait(qtbot)
        asked.settings.change(**fields)
        assert asked.fits.of(NAME) is None
