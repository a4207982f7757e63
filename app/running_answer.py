"""The running answer: text as it comes token by token, the part not shown yet, and all of it."""

from offload_app.engine_state import Tokens


class RunningAnswer:
    """Collects the tokens of request `id`; one thread. Holds each character once."""

    def __init__(self, request_id: int) -> None:
        self.id = request_id
        self._shown: list[str] = []
        self._new: list[str] = []
        self._n_new = 0

    @property
    def text(self) -> str:
        """Return all text so far, exactly as it came."""
        return "".join((*self._shown, *self._new))

    def add(self, text: str) -> None:
        """Take the text of one more token."""
        self._new.append(text)
        self._n_new += 1

    def take_new(self) -> Tokens | None:
        """Return what came since the last call, as one piece; None where nothing did."""
        if not self._n_new:
            return None
        piece = Tokens(self.id, "".join(self._new), self._n_new)
        self._shown.append(piece.text)
        self._new = []
        self._n_new = 0
        return piece
