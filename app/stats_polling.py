"""Polling: asks the engine for statistics while a model is open and the gauges can be seen, and hands them over.

    asks      a model is open, the panel is visible, its window is not minimised
    rests     otherwise; nothing is sent, and the timer does not run

Thread rule: the UI thread only.
"""

from PySide6.QtCore import QEvent, QObject, QTimer

from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState
from offload_app.gauges.panel import GaugePanel

POLLS_PER_SECOND = 4.5
_WITH_MODEL = frozenset({EngineState.LOADED, EngineState.GENERATING, EngineState.STOPPING})


class StatsPolling(QObject):
    """Connects `engine` to `panel`, and lives as long as it."""

    def __init__(self, engine: EngineClient, panel: GaugePanel) -> None:
        super().__init__(panel)
        self._engine = engine
        self._panel = panel
        self._timer = QTimer(self, interval=round(1000 / POLLS_PER_SECOND))
        self._timer.timeout.connect(self._ask)
        engine.stats.connect(panel.show_stats)
        engine.state_changed.connect(self._on_state)
        panel.installEventFilter(self)
        panel.window().installEventFilter(self)

    @property
    def is_asking(self) -> bool:
        """Return whether statistics are asked for now."""
        return self._timer.isActive()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Follow the panel being shown and hidden, and its window being minimised."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowStateChange):
            # Once the event has been dealt with.
            QTimer.singleShot(0, self, self._follow)
        return False

    def _on_state(self, state: EngineState) -> None:
        if state in (EngineState.READY, EngineState.DEAD, EngineState.NOT_RUNNING, EngineState.LOADING):
            self._panel.clear()
        self._follow()

    def _follow(self) -> None:
        is_seen = self._panel.isVisible() and not self._panel.window().isMinimized()
        asks = is_seen and self._engine.state in _WITH_MODEL
        if asks and not self._timer.isActive():
            self._timer.start()
            self._ask()
        elif not asks:
            self._timer.stop()

    def _ask(self) -> None:
        self._engine.request_stats(residency=not self._panel.is_compact)
