"""An answer that is being written, and how it ended; no Qt."""

from dataclasses import dataclass

from offload.protocol import Done, FinishReason, GenerationParams, Loaded, Stats
from offload_app.conversation import MessageState
from offload_app.receipt import dump_receipt, receipt_of


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended, as it is kept with its message."""

    state: MessageState
    failure: str = ""
    receipt: str = ""


class Answering:
    """Collects the text of message `message_id` of a conversation, asked for by request `request_id`; one thread."""

    def __init__(
        self,
        conversation_id: str,
        message_id: int,
        request_id: int,
        settings: GenerationParams,
        loaded: Loaded | None,
        before: Stats | None,
    ) -> None:
        """Begin without text; `before` are the statistics when it was asked for."""
        self.conversation_id = conversation_id
        self.message_id = message_id
        self.request_id = request_id
        self._settings = settings
        self._loaded = loaded
        self._before = before
        self._pieces: list[str] = []
        self._n_saved = 0

    @property
    def text(self) -> str:
        """All text so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def has_news(self) -> bool:
        """Whether text came that was not given out for saving."""
        return len(self.text) > self._n_saved

    def add(self, piece: str) -> None:
        """Take the next piece."""
        self._pieces.append(piece)

    def take_for_saving(self) -> str:
        """Return all text so far; there are no news after that."""
        self._n_saved = len(self.text)
        return self.text

    def end_of(self, done: Done) -> Ending:
        """Return how it ended where the worker says that it did."""
        state = MessageState.PARTIAL if done.finish_reason is FinishReason.CANCELLED else MessageState.COMPLETE
        if self._loaded is None:
            return Ending(state)
        receipt = receipt_of(done, self._loaded, self._settings, self._before)
        try:
            return Ending(state, receipt=dump_receipt(receipt))
        except ValueError:  # a number that is none: the answer is worth keeping without its receipt
            return Ending(state)
