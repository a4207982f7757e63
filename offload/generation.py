"""The generation loop: a prompt is computed in batches, then token after token is chosen, shown and computed.

Invariants:
1. `tokens` is what the context's KV cache holds, whatever ended the run: its end, `close()`, a cancel, an error.
2. A cached token is reused only if it was computed after exactly the tokens that stand before it.
3. A cancelled run that is continued (the same prompt, followed by the tokens it gave) computes what an uninterrupted
   one does, bit for bit with a temperature of 0: batches begin and end at the same tokens. llama.cpp's last bits
   depend on how a prompt is cut into batches, so a prefix that another prompt left behind may differ in them.

Thread rule: one thread generates; `speed` may be read, and `cancelled` answered, by any.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

from offload.config import FinishReason, GenerationParams, Token
from offload.errors import CancelledError, UsageError
from offload.llama.context import LlamaContext
from offload.llama.sampling import Sampler, check_sampling
from offload.llama.text_stream import TextStream
from offload.llama.vocab import Vocab
from offload.stats import Speed

_MIN_SHIFTABLE = 4
"""Tokens that a context shift leaves free of `n_keep`. Source: tools/server/server-context.cpp."""


def _never() -> bool:
    return False


class Generator:
    """Generates with one context, whose KV cache it alone changes."""

    def __init__(self, context: LlamaContext, vocab: Vocab) -> None:
        self._context = context
        self._vocab = vocab
        self._running = False
        self._n_reusable = 0
        """Leading tokens of `tokens` for which invariant 2 holds: a context shift ends it at `n_keep`."""
        self.tokens: list[int] = []
        self.speed = Speed()
        self.seed: int | None = None
        """The seed of the last run, also where it was chosen by chance."""

    def generate(
        self, prompt: Sequence[int], params: GenerationParams, *, cancelled: Callable[[], bool] = _never
    ) -> Iterator[Token]:
        """Continue `prompt` (token ids); the last `Token` carries the reason of the end.

        What the cache already holds of the prompt is not computed again. `cancelled` is asked between tokens and,
        while the prompt is computed, before every node of it. An empty prompt stands for the token that begins a
        text. Nothing is computed before the first token is asked for; closing the iterator ends the run.

        Raises:
            UsageError: the prompt is empty or longer than the context, a parameter makes no sense, or another
                generation has not ended.
            DecodeError: llama.cpp refuses to compute; `tokens` is what the cache still holds.
        """
        self._check(params)
        tokens = list(prompt)
        if not tokens:
            if not self._vocab.adds_bos or self._vocab.bos is None:
                raise UsageError("The prompt is empty.", hint="Give some text: this model has no token to begin with.")
            tokens = [self._vocab.bos]
        if len(tokens) > self._context.n_ctx:
            raise UsageError(
                f"The prompt has {len(tokens)} tokens, the context {self._context.n_ctx}.",
                hint="Shorten the prompt or choose a larger context.",
                n_prompt=len(tokens),
                n_ctx=self._context.n_ctx,
            )
        return self._run(tokens, params, cancelled)

    def forget(self) -> None:
        """Empty the cache."""
        self._context.clear()
        self.tokens.clear()
        self._n_reusable = 0

    def _run(self, prompt: list[int], params: GenerationParams, cancelled: Callable[[], bool]) -> Iterator[Token]:
        if self._running:
            raise UsageError("Another generation has not ended.", hint="Read it to its end, or close it, first.")
        self._running = True
        try:
            with Sampler.build(params, self._vocab, n_ctx=self._context.n_ctx) as sampler:
                self.seed = sampler.seed
                sampler.remember(prompt)
                yield from self._steps(prompt, params, cancelled, sampler)
        finally:
            self._running = False

    def _steps(
        self, prompt: list[int], params: GenerationParams, cancelled: Callable[[], bool], sampler: Sampler
    ) -> Iterator[Token]:
        started = perf_counter()
        stream = TextStream(params.stop)
        if not self._prefill(prompt, cancelled):
            yield Token(-1, "", 0, FinishReason.CANCELLED)
            return
        index = 0
        finish: FinishReason | None = FinishReason.LENGTH if params.n_predict == 0 else None
        while finish is None:
            token = self._choose(sampler, started)
            if token is None:  # the grammar is complete and nothing may follow it
                finish = FinishReason.STOP
                break
            text, finish = self._show(token, index, stream, params)
            if finish is None and not self._make_room(len(prompt), params):
                finish = FinishReason.CONTEXT_FULL
            if finish is not None:
                yield Token(token, text + stream.finish(), index, finish)
                return
            yield Token(token, text, index)
            index += 1
            if cancelled() or not self._compute_next(token):
                finish = FinishReason.CANCELLED
        yield Token(-1, stream.finish(), index, finish)

    def _prefill(self, prompt: list[int], cancelled: Callable[[], bool]) -> bool:
        """Compute what the cache lacks of the prompt; False: cancelled, with whole batches done."""
        n_cached = self._keep_prefix(prompt)
        self.speed = Speed(n_cached=n_cached)
        started = perf_counter()
        context = self._context
        context.set_abort(cancelled)
        try:
            for start in range(n_cached, len(prompt), context.n_batch):
                batch = prompt[start : start + context.n_batch]
                last = start + len(batch) == len(prompt)
                if cancelled() or not self._compute(batch, outputs=last):
                    return False
                self.speed = replace(
                    self.speed,
                    n_prompt=self.speed.n_prompt + len(batch),
                    prompt_seconds=perf_counter() - started,
                )
        finally:
            # Asked before every node, it would make each decoded token wait for the interpreter's lock many times.
            context.set_abort(None)
        return True

    def _keep_prefix(self, prompt: list[int]) -> int:
        """Cut the cache down to what it shares with the prompt, the last token excepted: its logits are needed."""
        n_shared = 0
        for ours, theirs in zip(self.tokens[: self._n_reusable], prompt[:-1], strict=False):
            if ours != theirs:
                break
            n_shared += 1
        if n_shared == 0 or not self._context.remove(n_shared) or self._context.first_position > 0:
            self.forget()
            return 0
        del self.tokens[n_shared:]
        self._n_reusable = n_shared
        return n_shared

    def _choose(self, sampler: Sampler, started: float) -> int | None:
        begun = perf_counter()
        token = sampler.sample(self._context)
        if token is None:
            return None
        sampler.accept(token)
        now = perf_counter()
        self.speed = replace(
            self.speed,
            n_generated=self.speed.n_generated + 1,
            decode_seconds=self.speed.decode_seconds + now - begun,
            first_token_seconds=self.speed.first_token_seconds or now - started,
        )
        return token

    def _show(
        self, token: int, index: int, stream: TextStream, params: GenerationParams
    ) -> tuple[str, FinishReason | None]:
        """Return what can be shown of `token` and whether it ends the text."""
        if self._vocab.is_end_of_generation(token):
            return "", FinishReason.STOP
        text = stream.feed(self._vocab.piece(token))
        if stream.stopped:
            return text, FinishReason.STOP
        return text, FinishReason.LENGTH if index + 1 == params.n_predict else None

    def _compute_next(self, token: int) -> bool:
        begun = perf_counter()
        done = self._compute([token], outputs=True)
        self.speed = replace(self.speed, decode_seconds=self.speed.decode_seconds + perf_counter() - begun)
        return done

    def _compute(self, batch: list[int], *, outputs: bool) -> bool:
        """Compute a batch after what the cache holds; False: cancelled."""
        try:
            self._context.decode(batch, position=len(self.tokens), logits="last" if outputs else "none")
        except CancelledError:
            self._follow_cache()
            return False
        except BaseException:
            self._follow_cache()
            raise
        if self._n_reusable == len(self.tokens):
            self._n_reusable += len(batch)
        self.tokens += batch
        return True

    def _follow_cache(self) -> None:
        """Forget the tokens that a failed decode took out of the cache."""
        del self.tokens[self._context.n_past :]
        self._n_reusable = min(self._n_reusable, len(self.tokens))

    def _make_room(self, n_prompt: int, params: GenerationParams) -> bool:
        """See that one more token fits, by a context shift where that is wanted and possible.

        Drops the older half of what follows the kept tokens. Source: tools/server/server-context.cpp.
        """
        n_ctx = self._context.n_ctx
        if len(self.tokens) < n_ctx:
            return True
        if not params.context_shift or not self._context.can_shift:
            return False
        n_keep = n_prompt if params.n_keep < 0 else params.n_keep + int(self._vocab.adds_bos)
        n_keep = min(n_keep, n_ctx - _MIN_SHIFTABLE)
        n_dropped = (len(self.tokens) - n_keep) // 2
        if not self._context.remove(n_keep, n_keep + n_dropped):
            return False
        self._context.shift(n_keep + n_dropped, len(self.tokens), -n_dropped)
        del self.tokens[n_keep : n_keep + n_dropped]
        self._n_reusable = min(self._n_reusable, n_keep)
        return True

    @staticmethod
    def _check(params: GenerationParams) -> None:
        check_sampling(params)
        if params.n_predict < -1:
            raise UsageError(f"n_predict is {params.n_predict}.", hint="-1 means until the model ends.")
        if params.n_keep < -1:
            raise UsageError(f"n_keep is {params.n_keep}.", hint="-1 means the whole prompt.")
        if "" in params.stop:
            raise UsageError("A stop string is empty.", hint="Leave it out.")
