"""`Answerer`: has one answer written by the engine, and says how it grows and how it ended.

    idle ──begin──▶ answering ──done, failed, died, shut down──▶ idle
                        │  stop: the engine is asked, its `done` ends the answer

Invariants, each proved by the test named (tests/app/test_chat_session*.py):
 1. Every answer that began ends once, with exactly the text that came.   test_a_death_keeps_what_had_come
 2. Receipts count from the same loading of the model.   test_the_answer_of_a_new_loading_is_measured_from_its_start

Thread rule: the thread of Qt's event loop only; nothing here waits.
"""

from PySide6.QtCore import QObject, Signal

from offload.protocol import Done, Loaded, Stats, StatsEvent
from offload_app.answering import Answering, Ending
from offload_app.conversation import Conversation, MessageState, prompt_of
from offload_app.crash_note import crash_note
from offload_app.engine_client import EngineClient
from offload_app.engine_state import EngineState, Failure, Tokens, takes
from offload_app.report_words import report_words
from offload_app.worker_death import Activity, Death


class Answerer(QObject):
    """Asks `engine`, and tells what comes."""

    grew = Signal(object, str)
    """Answering, and the next piece of its text."""
    ended = Signal(object, object)
    """Answering and its Ending; nothing is being answered any more."""

    def __init__(self, engine: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._current: Answering | None = None
        self._loaded: Loaded | None = None
        self._last_stats: Stats | None = None
        engine.loaded.connect(self._on_loaded)
        engine.tokens.connect(self._on_tokens)
        engine.stats.connect(self._on_stats)
        engine.done.connect(self._on_done)
        engine.failed.connect(self._on_failed)
        engine.died.connect(self._on_died)
        engine.shut_down.connect(self._on_shut_down)

    @property
    def current(self) -> Answering | None:
        """The answer that is being written."""
        return self._current

    @property
    def refusal(self) -> str:
        """Why nothing can be asked now, one sentence; empty: it can."""
        if self._current is not None:
            return self.tr("An answer is being written: wait for its end, or stop it.")
        match self._engine.state:
            case state if takes(state, "generate"):
                return ""
            case EngineState.STARTING | EngineState.LOADING:
                return self.tr("The model is being loaded.")
            case EngineState.DEAD:
                return self.tr("The model process has ended: restart it to go on.")
            case _:
                return self.tr("No model is loaded: choose one first.")

    def begin(self, conversation: Conversation) -> None:
        """Have the answer written that is the leaf of `conversation`.

        Raises:
            RequestRefusedError: the conversation is too long to be sent, or nothing can be asked now.
        """
        assert conversation.leaf is not None
        settings = conversation.sampling
        request_id = self._engine.generate(prompt_of(conversation, conversation.leaf), settings)
        self._current = Answering(
            conversation.id, conversation.leaf, request_id, settings, self._loaded, self._last_stats
        )

    def stop(self) -> None:
        """End the answer that is being written, if one is; `ended` follows."""
        if self._current is not None and takes(self._engine.state, "stop"):
            self._engine.stop()

    def _on_loaded(self, loaded: Loaded) -> None:
        self._loaded, self._last_stats = loaded, None

    def _on_stats(self, event: StatsEvent) -> None:
        if event.loaded:
            self._last_stats = event.stats

    def _on_tokens(self, piece: Tokens) -> None:
        answer = self._current
        if answer is not None and answer.request_id == piece.id and piece.text:
            answer.add(piece.text)
            self.grew.emit(answer, piece.text)

    def _on_done(self, done: Done) -> None:
        self._last_stats = done.stats
        if self._current is not None and self._current.request_id == done.id:
            self._end(self._current.end_of(done))

    def _on_failed(self, failure: Failure) -> None:
        if failure.activity is not Activity.GENERATING:
            return
        if failure.was_stopped:
            self._end(Ending(MessageState.PARTIAL))
        else:
            self._end(Ending(MessageState.FAILED, report_words(failure.report)))

    def _on_died(self, death: Death) -> None:
        self._loaded = self._last_stats = None
        self._end(Ending(MessageState.FAILED, crash_note(death).happened))

    def _on_shut_down(self) -> None:
        self._loaded = self._last_stats = None
        self._end(Ending(MessageState.PARTIAL))

    def _end(self, ending: Ending) -> None:
        answer, self._current = self._current, None
        if answer is not None:
            self.ended.emit(answer, ending)
