"""A model's vocabulary: text to token ids and back, and which tokens are special.

Thread rule: any thread; llama.cpp's tokenizer is thread safe. Lives as long as its model.
"""

import ctypes
from functools import cached_property

from offload.errors import UsageError
from offload.llama.library import load


class Vocab:
    """The vocabulary of an open model; `handle` is the address of llama.cpp's `llama_vocab`."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._api = load()
        self._pieces: dict[tuple[int, bool], bytes] = {}

    @cached_property
    def n_tokens(self) -> int:
        """Size of the vocabulary."""
        return int(self._api.llama_vocab_n_tokens(self.handle))

    @cached_property
    def bos(self) -> int | None:
        """Token that begins a text."""
        return _token(self._api.llama_vocab_bos(self.handle))

    @cached_property
    def eos(self) -> int | None:
        """Token that ends a text."""
        return _token(self._api.llama_vocab_eos(self.handle))

    @cached_property
    def eot(self) -> int | None:
        """Token that ends a turn."""
        return _token(self._api.llama_vocab_eot(self.handle))

    @cached_property
    def adds_bos(self) -> bool:
        """Whether the model wants `bos` before every prompt."""
        return bool(self._api.llama_vocab_get_add_bos(self.handle))

    @cached_property
    def adds_eos(self) -> bool:
        """Whether the tokenizer appends `eos`."""
        return bool(self._api.llama_vocab_get_add_eos(self.handle))

    @cached_property
    def end_of_generation(self) -> frozenset[int]:
        """Every token that ends a generation."""
        return frozenset(token for token in range(self.n_tokens) if self._api.llama_vocab_is_eog(self.handle, token))

    @cached_property
    def suppressed(self) -> tuple[int, ...]:
        """Tokens that the model file says are never to be sampled (`tokenizer.ggml.suppress_tokens`)."""
        count = ctypes.c_int32(0)
        tokens = self._api.llama_vocab_get_suppress_tokens(self.handle, ctypes.byref(count))
        return tuple(int(tokens[index]) for index in range(count.value)) if tokens else ()

    @cached_property
    def bos_text(self) -> str:
        """`bos` as chat templates write it; empty when there is none."""
        return "" if self.bos is None else self.piece(self.bos, special=True).decode("utf-8", "replace")

    @cached_property
    def eos_text(self) -> str:
        """`eos` as chat templates write it; empty when there is none."""
        return "" if self.eos is None else self.piece(self.eos, special=True).decode("utf-8", "replace")

    def is_end_of_generation(self, token: int) -> bool:
        """Whether the model ends its text or its turn with `token`."""
        return bool(self._api.llama_vocab_is_eog(self.handle, token))

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Split `text` into token ids.

        `add_special` adds what the model wants around every text (often `bos`); `parse_special` reads special
        tokens such as `<|im_end|>` in the text as tokens instead of as plain characters. Lone surrogates become `?`.

        Raises:
            UsageError: the text is too long for llama.cpp to tokenize (more than 2^31 tokens or bytes).
        """
        data = text.encode("utf-8", "replace")
        capacity = len(data) + 8
        if capacity > 0x7FFFFFFF:
            raise UsageError(f"A text of {len(data)} bytes is too long to tokenize.", hint="Shorten it.")
        for _ in range(2):
            tokens = (ctypes.c_int32 * capacity)()
            count = int(
                self._api.llama_tokenize(self.handle, data, len(data), tokens, capacity, add_special, parse_special)
            )
            if count >= 0:
                return list(tokens[:count])
            capacity = -count
            if capacity > 0x7FFFFFFF:
                break
        raise UsageError(f"A text of {len(data)} bytes has too many tokens.", hint="Shorten it.")

    def piece(self, token: int, special: bool = False) -> bytes:
        """Return the bytes of one token, possibly part of a character; `special`: show control tokens as text.

        Raises:
            UsageError: no such token.
        """
        known = self._pieces.get((token, special))
        if known is not None:
            return known
        if not 0 <= token < self.n_tokens:
            raise UsageError(f"Token {token} is outside the vocabulary of {self.n_tokens} tokens.")
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            written = int(self._api.llama_token_to_piece(self.handle, token, buffer, size, 0, special))
            if written >= 0:
                break
            size = -written
        piece = buffer.raw[:written]
        self._pieces[token, special] = piece
        return piece

    def text(self, tokens: list[int], *, special: bool = False) -> str:
        """Return the text of `tokens`; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.piece(token, special) for token in tokens).decode("utf-8", "replace")


def _token(value: int) -> int | None:
    """Turn llama.cpp's LLAMA_TOKEN_NULL (-1) into None."""
    return None if value < 0 else int(value)
