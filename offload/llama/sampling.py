"""Choosing the next token: llama.cpp's sampler chain, and a grammar that what is chosen must fit.

The chain is llama.cpp's default without the samplers that its defaults switch off (dry, top-n-sigma, xtc):
logit bias, penalties, top-k, typical, top-p, min-p, temperature, distribution. A temperature of 0 or less takes the
likeliest token after bias and penalties. Source: common/sampling.cpp.

Invariant: the grammar is only ever told tokens it allows; llama.cpp would end the process otherwise.

Thread rule: one thread at a time.
"""

import ctypes
import math
import os
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from offload.config import GenerationParams
from offload.errors import UsageError
from offload.llama.library import captured_log, error_cause, load
from offload.llama.vocab import Vocab

_RANDOM_SEED: Final = 0xFFFFFFFF  # LLAMA_DEFAULT_SEED: llama.cpp would choose one and not tell
_INT32_MAX: Final = 0x7FFFFFFF
_SHARES: Final = ("top_p", "min_p", "typical_p")
_GRAMMAR_ROOT: Final = b"root"
# struct llama_token_data { llama_token id; float logit; float p; }
_CANDIDATE: Final = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class LogitSource(Protocol):
    """Where logits come from: a context."""

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        """Return logits [n_vocab]."""
        ...


class Sampler:
    """A chain of llama.cpp samplers with its state. Made by `build`; a context manager."""

    def __init__(self, vocab: Vocab, chain: Any, grammar: Any, seed: int, n_remembered: int) -> None:
        self._api = load()
        self._chain = chain
        self._grammar = grammar
        self._n_remembered = n_remembered
        self._vocab_ids = np.arange(vocab.n_tokens, dtype=np.int32)
        self._candidates = np.empty(vocab.n_tokens, _CANDIDATE)
        self.seed = seed

    @classmethod
    def build(cls, params: GenerationParams, vocab: Vocab, *, n_ctx: int = 0) -> Self:
        """Make the chain that `params` asks for; `n_ctx` is what a `repeat_last_n` of -1 stands for.

        Raises:
            UsageError: a parameter makes no sense, or the grammar or JSON schema cannot be used.
        """
        check_sampling(params)
        api = load()
        seed = fresh_seed() if params.seed == -1 else params.seed
        n_remembered = n_ctx if params.repeat_last_n == -1 else params.repeat_last_n
        grammar = _grammar(params, vocab)
        chain_params = api.llama_sampler_chain_default_params()
        chain_params.no_perf = True
        chain = api.llama_sampler_chain_init(chain_params)
        biased = set(vocab.suppressed) | (vocab.end_of_generation if params.ignore_eos else frozenset())
        stages = [_never(vocab, sorted(biased))] if biased else []
        stages.append(
            api.llama_sampler_init_penalties(
                vocab.n_tokens,
                n_remembered,
                params.repeat_penalty,
                params.frequency_penalty,
                params.presence_penalty,
            )
        )
        if params.temperature <= 0:
            stages.append(api.llama_sampler_init_greedy())
        else:
            stages += [
                api.llama_sampler_init_top_k(params.top_k),
                api.llama_sampler_init_typical(params.typical_p, 0),
                api.llama_sampler_init_top_p(params.top_p, 0),
                api.llama_sampler_init_min_p(params.min_p, 0),
                api.llama_sampler_init_temp_ext(params.temperature, 0.0, 1.0),
                api.llama_sampler_init_dist(seed),
            ]
        for stage in stages:
            api.llama_sampler_chain_add(chain, stage)
        return cls(vocab, chain, grammar, seed, n_remembered)

    @property
    def names(self) -> list[str]:
        """llama.cpp's names of the samplers in the chain, in order; a leading `?`: switched off by its value."""
        api = self._api
        count = int(api.llama_sampler_chain_n(self._chain))
        return [
            api.llama_sampler_name(api.llama_sampler_chain_get(self._chain, index)).decode() for index in range(count)
        ]

    def remember(self, prompt: list[int]) -> None:
        """Tell the penalties about prompt tokens; the grammar is about generated text only."""
        for token in prompt[max(0, len(prompt) - self._n_remembered) :]:
            self._api.llama_sampler_accept(self._chain, token)

    def sample(self, context: LogitSource, index: int = -1) -> int | None:
        """Choose a token by the logits at `index`; None when the grammar allows no token at all.

        With a grammar the chain's choice is checked first, and only if it does not fit the whole vocabulary is
        masked and the choice made again. Source: common/sampling.cpp, `common_sampler_sample`.
        """
        token = self._choose(context.logits(index), masked=False)
        if self._fits(token):
            return token
        token = self._choose(context.logits(index), masked=True)
        return token if self._fits(token) else None

    def accept(self, token: int) -> None:
        """Advance the grammar and the penalties by a token that `sample` returned."""
        if self._grammar:
            self._api.llama_sampler_accept(self._grammar, token)
        self._api.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        """Free the samplers; a second call does nothing."""
        chain, self._chain = self._chain, None
        grammar, self._grammar = self._grammar, None
        if chain:
            self._api.llama_sampler_free(chain)
        if grammar:
            self._api.llama_sampler_free(grammar)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choose(self, logits: npt.NDArray[np.float32], *, masked: bool) -> int:
        # Samplers sort, cut and overwrite the candidates, so every choice starts from new ones.
        self._candidates["id"] = self._vocab_ids
        self._candidates["logit"] = logits
        self._candidates["p"] = 0.0
        array = self._token_array(self._candidates)
        if masked:
            self._api.llama_sampler_apply(self._grammar, ctypes.byref(array))
        self._api.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _fits(self, token: int) -> bool:
        """Whether the grammar, if there is one, allows `token` next."""
        if not self._grammar:
            return True
        single = np.array([(token, 1.0, 0.0)], _CANDIDATE)
        self._api.llama_sampler_apply(self._grammar, ctypes.byref(self._token_array(single)))
        return bool(single["logit"][0] != -np.inf)

    def _token_array(self, candidates: npt.NDArray[Any]) -> Any:
        api = self._api
        data = candidates.ctypes.data_as(ctypes.POINTER(api.llama_token_data))
        return api.llama_token_data_array(data, len(candidates), -1, False)


def fresh_seed() -> int:
    """Return a random seed that llama.cpp takes literally."""
    return int.from_bytes(os.urandom(4), "little") % _RANDOM_SEED


def check_sampling(params: GenerationParams) -> None:
    """Refuse sampling parameters that llama.cpp would crash on or misread.

    Raises:
        UsageError: names the parameter and its value.
    """
    for name in (*_SHARES, "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"):
        if not math.isfinite(getattr(params, name)):
            raise UsageError(f"{name} is {getattr(params, name)}.", hint="Give a finite number.")
    for name in _SHARES:
        if not 0 <= getattr(params, name) <= 1:
            raise UsageError(f"{name} is {getattr(params, name)}.", hint="It is a share, from 0 to 1.")
    if params.repeat_penalty <= 0 or not math.isfinite(1.0 / params.repeat_penalty):
        raise UsageError(f"repeat_penalty is {params.repeat_penalty}.", hint="It is above 0; 1 switches it off.")
    if not -1 <= params.repeat_last_n <= _INT32_MAX:
        raise UsageError(f"repeat_last_n is {params.repeat_last_n}.", hint="-1 means the whole context, 0 none.")
    if abs(params.top_k) > _INT32_MAX:
        raise UsageError(f"top_k is {params.top_k}.", hint="It is a number of tokens; 0 means all.")
    if not -1 <= params.seed < _RANDOM_SEED:
        raise UsageError(f"seed is {params.seed}.", hint=f"It is -1 (a fresh one) or 0 to {_RANDOM_SEED - 1}.")
    if params.grammar and params.json_schema:
        raise UsageError("A grammar and a JSON schema were both given.", hint="Give one of them.")


def schema_grammar(schema: str) -> str:
    """Turn a JSON schema into a grammar (GBNF) with llama-cpp-python's converter.

    It knows types, properties, enumerations, patterns, lengths and local references; the bounds of numbers
    (`minimum`, `maximum`) it leaves unchecked.

    Raises:
        UsageError: no JSON, or a schema that llama.cpp's converter does not know.
    """
    load()
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        return str(json_schema_to_gbnf(schema))
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise UsageError(
            f"This JSON schema cannot be used: {reason}. It begins: {_first_line(schema)}",
            hint="Give a JSON schema as text; references to other documents are not followed.",
        ) from error


def _grammar(params: GenerationParams, vocab: Vocab) -> Any:
    """Return llama.cpp's grammar sampler, None without a grammar."""
    text = schema_grammar(params.json_schema) if params.json_schema else params.grammar
    if not text:
        return None
    if "\0" in text:
        raise UsageError("The grammar contains a NUL character.", hint="Give GBNF as plain text.")
    with captured_log() as log:
        grammar = load().llama_sampler_init_grammar(vocab.handle, text.encode("utf-8", "replace"), _GRAMMAR_ROOT)
    if not grammar:
        reason = error_cause(log) or "llama.cpp gave no reason"
        raise UsageError(
            f"This grammar cannot be used: {reason}. It begins: {_first_line(text)}",
            hint='Give GBNF with a rule named "root".',
        )
    return grammar


def _never(vocab: Vocab, tokens: list[int]) -> Any:
    """Return the sampler that keeps `tokens` from being chosen; llama.cpp copies the list."""
    api = load()
    biases = (api.llama_logit_bias * len(tokens))(*((token, -math.inf) for token in tokens))
    return api.llama_sampler_init_logit_bias(vocab.n_tokens, len(tokens), biases)


def _first_line(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= 80 else line[:79] + "…"
