"""`ChatSession`: the open conversation and the answer being written, between the engine, the store and what is shown.

    idle ──send, regenerate, edit──▶ answering ──done, failed, died, shut down──▶ idle
                                        │  stop: the engine is asked, its `done` ends the answer

The answer belongs to its conversation: another one may be opened meanwhile, and the answer goes on where it began.

Invariants, each proved by the test named (tests/app/test_chat_session*.py):
 1. One answer is written at a time; asking for another changes nothing.   test_sending_while_answering_is_refused
 2. What came of an answer is saved at least once a second and at its end. test_a_partial_answer_is_saved_while_it_grows
 3. However an answer ends, its text is exactly what came.                 test_a_death_keeps_what_had_come
 4. Every question and every answer is kept, branches included.            test_regenerating_keeps_the_first_answer
 5. An answer goes to the conversation in which it was asked for.          test_an_answer_goes_on_while_another_is_open

Thread rule: the thread of Qt's event loop only; nothing here waits.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from offload.protocol import GenerationParams, Role
from offload_app import conversation as steps
from offload_app.answer_saving import AnswerSaving
from offload_app.answerer import Answerer
from offload_app.answering import Answering, Ending
from offload_app.conversation import Conversation, Message, MessageState
from offload_app.conversation_file import export_conversation, import_conversation
from offload_app.conversation_index import ConversationIndex
from offload_app.conversation_keeper import ConversationKeeper
from offload_app.conversation_store import ConversationSummary
from offload_app.engine_client import EngineClient
from offload_app.engine_state import RequestRefusedError
from offload_app.held_conversations import HeldConversations
from offload_app.store_calls import StoreCalls
from offload_app.store_thread import StoreThread

Clock = Callable[[], int]


class ChatSession(QObject):
    """One person's chat; `clock` gives milliseconds since 1970."""

    opened = Signal(object)
    """Conversation: another one is shown now."""
    changed = Signal(object)
    """Conversation: the open one, after a step; not for each piece of an answer."""
    answer_grew = Signal(int, str)
    """Id of a message of the open conversation, and the next piece of its text."""
    answering_changed = Signal(bool)
    refusal_changed = Signal(str)
    """Why nothing can be asked now, one sentence; empty: it can."""
    told = Signal(str)
    """A sentence for the person: something was not done."""

    def __init__(
        self, engine: EngineClient, store: StoreThread, clock: Clock = steps.now_ms, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._answerer = Answerer(engine, self)
        self._calls = StoreCalls(store, self)
        self._keeper = ConversationKeeper(self._calls, self)
        self.index = ConversationIndex(self._calls, self)
        self._held = HeldConversations(steps.new_conversation(clock()), lambda: self._answerer.current)
        self._wanted = ""
        """Id of the conversation that was asked for last."""
        self._refusal = self.refusal
        self._saving = AnswerSaving(self._held, self._keeper, self)
        self._calls.failed.connect(self.told)
        engine.state_changed.connect(self._tell_refusal)
        self._answerer.grew.connect(self._on_grew)
        self._answerer.ended.connect(self._on_ended)

    # What is

    @property
    def conversation(self) -> Conversation:
        """The open conversation, with all that has come of its answer."""
        return self._held.folded

    @property
    def is_answering(self) -> bool:
        """Whether an answer is being written, in this conversation or another."""
        return self._answerer.current is not None

    @property
    def answering_message(self) -> int | None:
        """The message of the open conversation that is being written; None: none of it is."""
        answer = self._held.answer
        return None if answer is None else answer.message_id

    @property
    def can_send(self) -> bool:
        """Whether something can be asked now."""
        return not self.refusal

    @property
    def refusal(self) -> str:
        """Why nothing can be asked now, one sentence; empty: it can."""
        return self._answerer.refusal

    # Which conversation is open

    def new(self) -> None:
        """Open an empty conversation; it is kept once something is written in it."""
        if self._keeper.is_worth_keeping(self._held.open):
            self._wanted = ""
            self._show(steps.new_conversation(self._clock(), sampling=self._held.open.sampling))
        else:
            self.opened.emit(self._held.open)

    def open(self, id: str) -> None:
        """Open a conversation; `opened` follows, or `told`."""
        self._wanted = id
        if id == self._held.open.id:
            self.opened.emit(self.conversation)
        elif (aside := self._held.aside(id)) is not None:
            self._show(aside)
        else:
            self._keeper.flush()
            self._calls.ask(lambda store: store.load(id), self._show_loaded)

    def open_last(self) -> None:
        """Open the conversation that was used last, if there is one and nothing was begun meanwhile."""
        blank = self._held.open

        def show(found: tuple[ConversationSummary, ...]) -> None:
            if found and self._held.open == blank:
                self.open(found[0].id)

        self._calls.ask(lambda store: store.conversations(1), show)

    def delete(self, id: str) -> None:
        """Take a conversation out of the list; `restore` brings it back."""
        answer = self._answerer.current
        if answer is not None and answer.conversation_id == id:
            self.stop()
        now = self._clock()
        self._calls.ask(lambda store: store.delete(id, now), self._refresh)
        if id == self._held.open.id:
            self._show(steps.new_conversation(now, sampling=self._held.open.sampling))

    def restore(self, id: str) -> None:
        """Undo `delete`, and open it."""
        self._calls.ask(lambda store: store.restore(id), self._refresh)
        self.open(id)

    def export(self, path: Path) -> None:
        """Write the open conversation to a file: Markdown or JSON, by the end of its name."""
        conversation = self.conversation
        self._calls.ask(lambda _: export_conversation(conversation, path))

    def import_(self, path: Path) -> None:
        """Read a conversation from a file, keep and open it."""
        now = self._clock()
        self._calls.ask(lambda store: store.add(import_conversation(path, now)), self._show_imported)

    # What is asked. Each returns whether it was done; where not, `told` says why.

    def send(self, text: str) -> bool:
        """Ask `text` at the end of the current path."""
        if not text.strip() or self._is_refused():
            return False
        self._keeper.forget_draft()
        now = self._clock()
        asked = steps.ask(replace(self.conversation, draft=""), text, now)
        if not asked.title:
            asked = replace(asked, title=steps.title_from(text))
        self._begin(steps.begin_answer(asked, now))
        return True

    def stop(self) -> None:
        """End the answer; what has come of it is kept."""
        self._answerer.stop()

    def regenerate(self, message_id: int | None = None) -> bool:
        """Have another answer written beside an answer; None: beside the last of the current path."""
        found = self.last_answer if message_id is None else self._held.open.message(message_id)
        if found is None or found.role is not Role.ASSISTANT or self._is_refused():
            return False
        self._begin(steps.regenerate(self.conversation, found.id, self._clock()))
        return True

    def edit(self, message_id: int, text: str) -> bool:
        """Ask `text` instead of a question, as a branch beside it."""
        if not text.strip() or self._held.open.message(message_id).role is not Role.USER or self._is_refused():
            return False
        now = self._clock()
        self._begin(steps.begin_answer(steps.edit(self.conversation, message_id, text, now), now))
        return True

    def switch(self, message_id: int) -> None:
        """Show the branch that a message is on."""
        self._held.open = steps.switch(self.conversation, message_id)
        self._keeper.save_tree(self._held.open)
        self.changed.emit(self._held.open)

    @property
    def last_answer(self) -> Message | None:
        """The last answer of the current path."""
        return steps.last_of(self._held.open, Role.ASSISTANT)

    @property
    def last_question(self) -> Message | None:
        """The last question of the current path."""
        return steps.last_of(self._held.open, Role.USER)

    # How it is answered

    def set_title(self, title: str, id: str | None = None) -> None:
        """Name a conversation; None: the open one."""
        if id is not None and id != self._held.open.id:
            self._held.name_aside(id, title)
            self._calls.ask(lambda store: store.set_title(id, title), self._refresh)
            return
        self._held.open = replace(self.conversation, title=title)
        self._keeper.save_title(self._held.open)
        self._refresh()
        self.changed.emit(self._held.open)

    def set_system_prompt(self, text: str) -> None:
        """Set what the model is told before the conversation."""
        self._held.open = replace(self._held.open, system_prompt=steps.valid_text(text))
        self._keeper.save_settings(self._held.open)

    def set_sampling(self, sampling: GenerationParams) -> None:
        """Set how tokens are sampled in this conversation."""
        self._held.open = replace(self._held.open, sampling=sampling)
        self._keeper.save_settings(self._held.open)
        self.changed.emit(self.conversation)

    def set_draft(self, text: str) -> None:
        """Keep what is typed and not sent, at most once a second."""
        if text != self._held.open.draft:
            self._held.open = replace(self._held.open, draft=text)
            self._keeper.save_draft(self._held.open)

    def close(self) -> None:
        """Give everything to the store that is not saved yet; before the store is closed."""
        self._keeper.flush()
        self._saving.end()
        self._calls.close()

    # The answer

    def _begin(self, conversation: Conversation) -> None:
        """Have the answer written that is the leaf of `conversation`."""
        assert conversation.leaf is not None
        try:
            self._answerer.begin(conversation)
        except RequestRefusedError:
            failure = self.tr("This conversation is too long to be sent to the model: begin a new one.")
            conversation = steps.write(conversation, conversation.leaf, "", MessageState.FAILED, failure=failure)
        else:
            self._saving.begin()
        self._held.open = conversation
        self._keeper.save_tree(conversation)
        self._refresh()
        self.changed.emit(conversation)
        self.answering_changed.emit(self.is_answering)
        self._tell_refusal()

    def _on_grew(self, answer: Answering, piece: str) -> None:
        if answer.conversation_id == self._held.open.id:
            self.answer_grew.emit(answer.message_id, piece)

    def _on_ended(self, answer: Answering, ending: Ending) -> None:
        ended = self._held.end(answer, ending)
        self._saving.end()
        self._keeper.save_message(ended, answer.message_id)
        if ended is self._held.open:
            self.changed.emit(ended)
        self.answering_changed.emit(False)
        self._tell_refusal()

    # Which conversation

    def _show(self, conversation: Conversation) -> None:
        self._keeper.flush()
        self._held.show(conversation)
        self.opened.emit(self.conversation)

    def _show_loaded(self, conversation: Conversation) -> None:
        self._keeper.know(conversation.id)
        if conversation.id == self._wanted:
            self._show(conversation)

    def _show_imported(self, conversation: Conversation) -> None:
        self._wanted = conversation.id
        self._show_loaded(conversation)
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        self.index.refresh()

    def _is_refused(self) -> bool:
        if self.refusal:
            self.told.emit(self.refusal)
        return bool(self.refusal)

    def _tell_refusal(self, _: object = None) -> None:
        if self.refusal != self._refusal:
            self._refusal = self.refusal
            self.refusal_changed.emit(self._refusal)
