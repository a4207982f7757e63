"""The self-test: does this installation work, from the window to the kernels?

    window shown ──▶ demo model loaded ──▶ one answer ──▶ every gauge of `_TELLING` shows something ──▶ closed
         └───────────────┴── a notice of an error, or the patience is over ──┴── closed, one sentence

It runs in folders of its own, beside whatever is open. Thread rule: the UI thread only.
"""

import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from offload.protocol import Done
from offload_app.bootstrap import Application, Surroundings, qt_application
from offload_app.engine_state import Failure
from offload_app.notice import Notice, Weight
from offload_app.places import Places
from offload_app.report_words import report_words
from offload_app.single_instance import SingleInstance

QUESTION = "What is 23 + 45?"
PATIENCE_SECONDS = 60.0
_TELLING = ("memory", "speed", "hit_rate", "heat_map")
"""Gauges that have something to show after one answer of any model with experts."""


class SelfTest(QObject):
    """Watches `parts` from before their first event, then ends `qt`'s event loop; `failure` says how it went."""

    def __init__(self, qt: QApplication, parts: Application, patience_seconds: float = PATIENCE_SECONDS) -> None:
        super().__init__(parts)
        self._parts = parts
        self._step = "The demo model was not loaded"
        self._has_answer = False
        self._is_over = False
        self.failure = ""
        """One sentence; empty where everything worked."""
        self._at_first = {name: getattr(parts.window.gauges, name).reading for name in _TELLING}
        self._patience = QTimer(self, singleShot=True, interval=round(patience_seconds * 1000))
        self._patience.timeout.connect(lambda: self._end(f"{self._step} within {patience_seconds:g} s."))
        parts.model.notice.connect(self._on_notice)
        parts.engine.loaded.connect(lambda _: QTimer.singleShot(0, self, self._ask))
        parts.engine.done.connect(self._on_done)
        parts.engine.failed.connect(self._on_failed)
        parts.engine.stats.connect(lambda _: self._look_at_gauges())
        parts.unexpected.happened.connect(self._end)
        parts.shutdown.done.connect(lambda: qt.exit(0))
        self._patience.start()

    def _ask(self) -> None:
        if not self._parts.window.isVisible():
            self._end("The window is not visible.")
        elif not self._parts.session.send(QUESTION):
            self._end(f"The demo model takes no question: {self._parts.session.refusal}")
        self._step = "The demo model did not answer"

    def _on_done(self, done: Done) -> None:
        self._has_answer = bool(self._parts.engine.answer_text.strip())
        if not self._has_answer:
            self._end("The demo model's answer is empty.")
        self._step = "The gauges showed nothing"

    def _look_at_gauges(self) -> None:
        gauges = self._parts.window.gauges
        silent = [name for name in _TELLING if getattr(gauges, name).reading == self._at_first[name]]
        self._step = f"The gauges showed nothing ({', '.join(silent)})"
        if self._has_answer and not silent:
            self._end("")

    def _on_notice(self, notice: Notice) -> None:
        if notice.weight is Weight.ERROR:
            self._end(" ".join(notice.text.split()))

    def _on_failed(self, failure: Failure) -> None:
        self._end(report_words(failure.report))

    def _end(self, failure: str) -> None:
        if not self._is_over:
            self._is_over = True
            self.failure = failure
            self._patience.stop()
            self._parts.window.close()


def run_self_test() -> str:
    """Run it with this installation's worker, and return what failed, one sentence; empty: nothing did."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="offload-self-test-", ignore_cleanup_errors=True)
    except OSError as error:
        return f"No temporary folder can be made: {error.strerror or error}."
    with folder as home:
        places = Places.below(Path(home))
        qt = qt_application()
        parts = Application(qt, Surroundings(places), SingleInstance(places.state))
        test = SelfTest(qt, parts)
        parts.unexpected.watch()
        QTimer.singleShot(0, parts, parts.begin)
        try:
            qt.exec()
        finally:
            parts.end()
            parts.unexpected.unwatch()
        return test.failure
