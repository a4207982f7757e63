"""The model control: which model is to be open, and every step from a wish to it being so.

    wish ──▶ worker started or restarted, what runs stopped ──▶ load sent ──▶ open, or a notice why not
              └── it crashed the last time and nobody asked for it now: a question first

Invariants, each proved by the test named (tests/app/test_model_control.py):
 1. The last wish wins; it is sent as soon as the worker takes it, and once.  test_the_last_wish_wins
 2. A model whose load ended in a crash is loaded only where a person asks.   test_a_model_that_crashed_is_not_loaded_..
 3. A death leaves no wish behind: nothing is started again by itself.        test_a_death_is_told_and_leaves_no_wish
 4. A load ends in the model being open, or in a notice, unless cancelled.    test_a_refused_model_is_told_in_words

Thread rule: the thread of Qt's event loop only; nothing waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from offload.protocol import EngineConfig, Loaded
from offload_app.budget import Planned, planned, smaller_budget
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState, Failure, takes
from offload_app.load_guard import LoadGuard
from offload_app.model_notices import (
    crashed_before_notice,
    death_notice,
    loading_notice,
    refused_notice,
    silent_notice,
)
from offload_app.model_status import ModelStatus
from offload_app.notice import Choice, Subject
from offload_app.throttle import Throttle
from offload_app.worker_death import Activity, Death

QUIET_MS = 500
"""A load that is shorter shows no bar: it would only make the window jump."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A model that is to be open; `memory` None: with the budget of the settings."""

    model: str | None
    memory: str | int | None = None
    is_asked_for: bool = True
    """False where it is only what was open before."""


class ModelControl(QObject):
    """Opens and closes models through `engine`; `config` says how each is opened, as of the settings."""

    notice = Signal(object)
    """Notice."""
    cleared = Signal(object)
    """Subject: its notice no longer holds."""
    status_changed = Signal(object)
    """ModelStatus."""
    opened = Signal(str)
    """Path of the model that is open now; empty: the demo model."""
    file_wanted = Signal()
    """A person wants to choose a file."""

    def __init__(
        self,
        engine: EngineClient,
        guard: LoadGuard,
        config: Callable[[str | None], EngineConfig],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._engine = engine
        self._guard = guard
        self._config = config
        self._wish: _Wish | None = None
        self._held: _Wish | None = None
        """What was not loaded, or died: what the buttons of a notice are about."""
        self._plan = Planned()
        self._status = ModelStatus(engine.state)
        self._patience = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._patience.timeout.connect(self._show_loading)
        engine.state_changed.connect(self._on_state)
        # The worker may tell of a hundred steps in one breath.
        self._progress = Throttle[float](self._on_loading, per_second=10.0, parent=self)
        engine.loading.connect(self._progress.push)
        engine.loaded.connect(self._on_loaded)
        engine.failed.connect(self._on_failed)
        engine.died.connect(self._on_died)
        engine.unresponsive.connect(lambda seconds: self.notice.emit(silent_notice(seconds)))
        engine.stats.connect(lambda _: self.cleared.emit(Subject.PATIENCE))
        for settled in (engine.hello, engine.loaded, engine.failed, engine.done, engine.unloaded):
            settled.connect(self._advance)

    @property
    def status(self) -> ModelStatus:
        """Return the model and where the worker is."""
        return self._status

    @property
    def can_unload(self) -> bool:
        """Return whether a model is open and nothing runs."""
        return takes(self._engine.state, "unload")

    @property
    def can_load(self) -> bool:
        """Return whether no model is open and one may be."""
        return self._engine.state in (EngineState.READY, EngineState.DEAD, EngineState.NOT_RUNNING)

    def begin(self, model: str | None) -> None:
        """Start the worker and open what was open before, but for what crashed."""
        self._want(_Wish(model, is_asked_for=False))

    def open(self, model: str | None, memory: str | int | None = None) -> None:
        """Open `model` (None: the demo model), whatever runs now: an answer is stopped, and kept as far as it came."""
        self._want(_Wish(model, memory))

    def reload(self) -> None:
        """Open the model again that is open, or was last, with the settings as they are now."""
        self.open(self._status.model)

    def unload(self) -> None:
        """Close the model; nothing where none is open or something runs."""
        if self.can_unload:
            self._engine.unload()

    def choose(self, subject: Subject, choice: Choice) -> None:
        """Do what a person chose of the notice of `subject`."""
        self.cleared.emit(subject)
        held = self._held or _Wish(self._status.model)
        match choice:
            case Choice.CANCEL:
                if takes(self._engine.state, "stop"):
                    self._engine.stop()
            case Choice.RESTART:
                # Pressing it asks for the worker; a model that crashed while it was loaded is asked about again.
                self._want(replace(held, is_asked_for=False))
            case Choice.SMALLER_BUDGET:
                budget = held.memory or self._config(held.model).memory
                self._want(_Wish(held.model, smaller_budget(budget, self._plan)))
            case Choice.LOAD_ANYWAY:
                self._want(replace(held, is_asked_for=True))
            case Choice.USE_DEMO:
                self.open(None)
            case Choice.CHOOSE_FILE:
                self.file_wanted.emit()
            case Choice.END_WORKER:
                if takes(self._engine.state, "kill"):
                    self._engine.kill()

    def _want(self, wish: _Wish) -> None:
        self._wish = wish
        self.cleared.emit(Subject.MODEL)
        self.cleared.emit(Subject.WORKER)
        self._advance()

    def _advance(self, *_: object) -> None:
        """Take the next step towards the wish; where a step is under way, its end comes back here."""
        if self._wish is None:
            return
        match self._engine.state:
            case EngineState.NOT_RUNNING:
                self._engine.start()
            case EngineState.DEAD:
                self._engine.restart()
            case EngineState.LOADING | EngineState.GENERATING:
                self._engine.stop()
            case EngineState.READY | EngineState.LOADED:
                wish, self._wish = self._wish, None
                self._load(wish)

    def _load(self, wish: _Wish) -> None:
        self._held = wish
        crashed = self._guard.interrupted() if not wish.is_asked_for and self._guard.forbids(wish.model) else None
        if crashed is not None:
            self._held = replace(wish, memory=wish.memory or crashed.memory)
            self.notice.emit(crashed_before_notice(wish.model, crashed))
            return
        config = self._config(wish.model)
        if wish.memory is not None:
            config = replace(config, memory=wish.memory)
        self._status = ModelStatus(self._engine.state, wish.model)
        self._plan = Planned()
        self._engine.load(wish.model, config)

    def _on_state(self, state: EngineState) -> None:
        if state is not EngineState.LOADING:
            self._progress.cancel()
        self._tell(replace(self._status, state=state))
        if state is EngineState.LOADING:
            self._patience.start()
        elif self._patience.isActive() or state is EngineState.STOPPING:
            self._patience.stop()
        if state not in (EngineState.LOADING, EngineState.STOPPING, EngineState.GENERATING):
            self.cleared.emit(Subject.PATIENCE)

    def _on_loading(self, fraction: float) -> None:
        self._tell(replace(self._status, fraction=fraction))
        if not self._patience.isActive() and self._engine.state is EngineState.LOADING:
            self._show_loading()

    def _show_loading(self) -> None:
        self.notice.emit(loading_notice(self._status.model, self._status.fraction))

    def _on_loaded(self, loaded: Loaded) -> None:
        self.cleared.emit(Subject.MODEL)
        self._plan = planned(loaded.plan)
        self._tell(replace(self._status, description=loaded.description, n_ctx=loaded.n_ctx, fraction=1.0))
        self.opened.emit(self._status.model or "")

    def _on_failed(self, failure: Failure) -> None:
        if failure.activity is Activity.GENERATING:
            return
        self.cleared.emit(Subject.MODEL)
        if not failure.was_stopped:
            self.notice.emit(refused_notice(self._status.model, failure))

    def _on_died(self, death: Death) -> None:
        self._wish = None
        if death.load is not None:
            self._held = _Wish(death.load.model, death.load.config.memory)
        self.cleared.emit(Subject.MODEL)
        self.cleared.emit(Subject.PATIENCE)
        self.notice.emit(death_notice(death))

    def _tell(self, status: ModelStatus) -> None:
        if status != self._status:
            self._status = status
            self.status_changed.emit(status)
