"""Tokenizers as large as real ones, as GGUF metadata made byte by byte: only their sizes are like a real one's."""

from functools import lru_cache
from itertools import accumulate
from random import Random
from struct import pack

from fakes.raw_gguf import FLOAT32, INT32, STRING, raw_array, raw_text

SHORTEST_TOKEN, LONGEST_TOKEN = 5, 12
"""Bytes of a token's text."""
_LETTERS = bytes(ord("a") + code % 26 for code in range(256))


@lru_cache(maxsize=4)
def large_tokenizer(n_tokens: int, n_merges: int) -> tuple[bytes, ...]:
    """Return the metadata of a byte-level BPE tokenizer with scores."""
    random = Random(n_tokens)
    lengths = random.choices(range(SHORTEST_TOKEN, LONGEST_TOKEN + 1), k=n_tokens)
    letters = random.randbytes(sum(lengths)).translate(_LETTERS)
    starts = accumulate(lengths, initial=0)
    tokens = [letters[start : start + length] for start, length in zip(starts, lengths, strict=False)]
    lefts, rights = (random.choices(tokens, k=n_merges) for _ in range(2))
    merges = [left + b" " + right for left, right in zip(lefts, rights, strict=True)]
    return (
        raw_text("tokenizer.ggml.model", "gpt2"),
        raw_array("tokenizer.ggml.tokens", STRING, n_tokens, _strings(tokens)),
        raw_array("tokenizer.ggml.scores", FLOAT32, n_tokens, bytes(4 * n_tokens)),
        raw_array("tokenizer.ggml.token_type", INT32, n_tokens, pack("<i", 1) * n_tokens),
        raw_array("tokenizer.ggml.merges", STRING, n_merges, _strings(merges)),
    )


def _strings(texts: list[bytes]) -> bytes:
    lengths = [pack("<Q", length) for length in range(max(map(len, texts)) + 1)]
    return b"".join([lengths[len(text)] + text for text in texts])
