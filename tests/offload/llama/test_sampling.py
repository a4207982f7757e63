"""Sampling with llama.cpp's chain: its order, seeds, penalties, grammars, and what is refused."""

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from offload.config import GenerationParams
from offload.errors import UsageError
from offload.llama.model import LlamaModel
from offload.llama.sampling import Sampler, fresh_seed, schema_grammar
from offload.llama.vocab import Vocab


class FixedLogits:
    """A context that always gives the same logits."""

    def __init__(self, values: npt.NDArray[np.float32]) -> None:
        self._values = values

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        return self._values


@pytest.fixture(scope="module")
def vocab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocab]:
    path = build_tiny_model(tmp_path_factory.mktemp("sampling") / "tiny.gguf", TinyArchitecture.DENSE)
    with LlamaModel.open(path, vocab_only=True) as model:
        yield model.vocab


@pytest.fixture
def spread(vocab: Vocab) -> FixedLogits:
    """Logits that leave a choice: 8 likely tokens, the first a little ahead."""
    values = np.full(vocab.n_tokens, -20.0, np.float32)
    values[65:73] = np.linspace(1.0, 0.5, 8)
    return FixedLogits(values)


def _draw(params: GenerationParams, vocab: Vocab, source: FixedLogits, n: int) -> list[int]:
    drawn = []
    with Sampler.build(params, vocab) as sampler:
        for _ in range(n):
            token = sampler.sample(source)
            assert token is not None
            sampler.accept(token)
            drawn.append(token)
    return drawn


def _generate(params: GenerationParams, vocab: Vocab, source: FixedLogits, limit: int = 100) -> str:
    """Draw until the end of the text or until nothing is allowed."""
    text = b""
    with Sampler.build(params, vocab) as sampler:
        for _ in range(limit):
            token = sampler.sample(source)
            if token is None or vocab.is_end_of_generation(token):
                break
            sampler.accept(token)
            text += vocab.piece(token)
    return text.decode()


def test_the_chain_has_llama_cpp_s_order(vocab: Vocab) -> None:
    params = GenerationParams(repeat_penalty=1.1, typical_p=0.9)
    with Sampler.build(params, vocab) as sampler:
        assert sampler.names == ["penalties", "top-k", "typical", "top-p", "min-p", "temp-ext", "dist"]


def test_llama_cpp_switches_off_what_its_defaults_switch_off(vocab: Vocab) -> None:
    with Sampler.build(GenerationParams(), vocab) as sampler:
        assert sampler.names == ["?penalties", "top-k", "?typical", "top-p", "min-p", "temp-ext", "dist"]


def test_ignoring_the_end_is_a_bias_before_everything_else(vocab: Vocab) -> None:
    with Sampler.build(GenerationParams(ignore_eos=True), vocab) as sampler:
        assert sampler.names[0] == "logit-bias"


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_no_temperature_takes_the_likeliest(vocab: Vocab, spread: FixedLogits, temperature: float) -> None:
    assert _draw(GenerationParams(temperature=temperature), vocab, spread, 5) == [65] * 5


def test_a_temperature_draws_from_several(vocab: Vocab, spread: FixedLogits) -> None:
    counts = Counter(_draw(GenerationParams(seed=1), vocab, spread, 300))
    assert set(counts) == set(range(65, 73))


def test_the_same_seed_draws_the_same(vocab: Vocab, spread: FixedLogits) -> None:
    first, second, other = (_draw(GenerationParams(seed=seed), vocab, spread, 40) for seed in (7, 7, 8))
    assert first == second
    assert first != other


def test_a_chosen_seed_is_told_so_that_it_can_be_used_again(vocab: Vocab, spread: FixedLogits) -> None:
    with Sampler.build(GenerationParams(), vocab) as sampler:
        seed = sampler.seed
        drawn = []
        for _ in range(40):
            token = sampler.sample(spread)
            assert token is not None
            sampler.accept(token)
            drawn.append(token)
    assert drawn == _draw(GenerationParams(seed=seed), vocab, spread, 40)


def test_fresh_seeds_differ() -> None:
    assert len({fresh_seed() for _ in range(8)}) > 1


def test_top_k_keeps_that_many(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(top_k=2, top_p=1.0, min_p=0.0, seed=1)
    assert set(_draw(params, vocab, spread, 100)) == {65, 66}


def test_the_likeliest_is_always_left_however_small_top_p(vocab: Vocab, spread: FixedLogits) -> None:
    assert set(_draw(GenerationParams(top_p=0.0, seed=1), vocab, spread, 20)) == {65}


def test_min_p_drops_what_is_far_behind(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(min_p=0.99, temperature=1.0, seed=1)
    assert set(_draw(params, vocab, spread, 50)) == {65}


def test_a_presence_penalty_avoids_what_was_said(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, presence_penalty=2.0)
    assert _draw(params, vocab, spread, 8) == list(range(65, 73))


def test_penalties_know_the_prompt(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, presence_penalty=2.0)
    with Sampler.build(params, vocab) as sampler:
        sampler.remember([65, 66])
        assert sampler.sample(spread) == 67


def test_penalties_forget_what_is_too_long_ago(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, presence_penalty=2.0, repeat_last_n=2)
    assert _draw(params, vocab, spread, 6) == [65, 66, 67, 65, 66, 67]


def test_minus_one_remembers_the_whole_context(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, presence_penalty=2.0, repeat_last_n=-1)
    with Sampler.build(params, vocab, n_ctx=4) as sampler:
        sampler.remember([65, 66, 67, 68])
        assert sampler.sample(spread) == 69


def test_an_ignored_end_is_never_drawn(vocab: Vocab) -> None:
    values = np.zeros(vocab.n_tokens, np.float32)
    for token in vocab.end_of_generation:
        values[token] = 50.0
    with Sampler.build(GenerationParams(temperature=0), vocab) as sampler:
        assert sampler.sample(FixedLogits(values)) in vocab.end_of_generation
    with Sampler.build(GenerationParams(temperature=0, ignore_eos=True), vocab) as sampler:
        assert sampler.sample(FixedLogits(values)) not in vocab.end_of_generation


def test_a_grammar_forces_its_text(vocab: Vocab, spread: FixedLogits) -> None:
    for temperature in (0.0, 0.8):
        params = GenerationParams(temperature=temperature, grammar='root ::= "forced"')
        assert _generate(params, vocab, spread) == "forced"


def test_a_grammar_leaves_the_choice_it_gives(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, grammar='root ::= "<" [A-Z] ">"')
    assert _generate(params, vocab, spread) == "<A>"


def test_a_complete_grammar_with_an_ignored_end_allows_nothing(vocab: Vocab, spread: FixedLogits) -> None:
    params = GenerationParams(temperature=0, grammar='root ::= "A"', ignore_eos=True)
    with Sampler.build(params, vocab) as sampler:
        assert sampler.sample(spread) == 65
        sampler.accept(65)
        assert sampler.sample(spread) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_complete_grammar_says_nothing_more_at_any_temperature(vocab: Vocab, spread: FixedLogits, seed: int) -> None:
    params = GenerationParams(seed=seed, grammar='root ::= "A"', ignore_eos=True)
    assert _generate(params, vocab, spread) == "A"


@pytest.mark.parametrize("seed", range(5))
def test_a_json_schema_gives_json_of_that_shape(vocab: Vocab, spread: FixedLogits, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["A", "B"]}, "n": {"type": "integer"}},
        "required": ["name", "n"],
        "additionalProperties": False,
    }
    params = GenerationParams(seed=seed, json_schema=json.dumps(schema))
    flat = FixedLogits(np.zeros(vocab.n_tokens, np.float32))
    answer = json.loads(_generate(params, vocab, flat))
    assert answer["name"] in ("A", "B")
    assert isinstance(answer["n"], int)


def test_a_schema_becomes_a_grammar_with_a_root() -> None:
    assert "root ::=" in schema_grammar('{"type": "boolean"}')


@pytest.mark.parametrize("grammar", ["root ::= (", 'other ::= "a"', "root ::= missing", 'root ::= root "a"', "\0"])
def test_a_bad_grammar_is_refused(vocab: Vocab, grammar: str) -> None:
    with pytest.raises(UsageError, match="grammar"):
        Sampler.build(GenerationParams(grammar=grammar), vocab)


def test_a_bad_grammar_is_quoted(vocab: Vocab) -> None:
    with pytest.raises(UsageError, match=r"It begins: answer ::= \[a-z\]"):
        Sampler.build(GenerationParams(grammar="\n  answer ::= [a-z]+\nmore ::= answer"), vocab)


@pytest.mark.parametrize(
    "schema", ["{", "[]", "3", '{"type": "nonsense"}', '{"$ref": "https://example.org/s"}', '{"$ref": "#/missing"}']
)
def test_a_bad_schema_is_refused(vocab: Vocab, schema: str) -> None:
    with pytest.raises(UsageError, match="JSON schema cannot be used"):
        Sampler.build(GenerationParams(json_schema=schema), vocab)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (GenerationParams(temperature=float("nan")), "temperature"),
        (GenerationParams(top_p=float("inf")), "top_p"),
        (GenerationParams(top_p=1.5), "top_p"),
        (GenerationParams(min_p=-0.1), "min_p"),
        (GenerationParams(typical_p=2.0), "typical_p"),
        (GenerationParams(repeat_penalty=0.0), "repeat_penalty"),
        (GenerationParams(frequency_penalty=float("nan")), "frequency_penalty"),
        (GenerationParams(presence_penalty=float("inf")), "presence_penalty"),
        (GenerationParams(repeat_last_n=-2), "repeat_last_n"),
        (GenerationParams(repeat_last_n=1 << 40), "repeat_last_n"),
        (GenerationParams(top_k=1 << 40), "top_k"),
        (GenerationParams(seed=-2), "seed"),
        (GenerationParams(seed=0xFFFFFFFF), "seed"),
        (GenerationParams(grammar='root ::= "a"', json_schema="{}"), "grammar"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(vocab: Vocab, params: GenerationParams, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        Sampler.build(params, vocab)


def test_a_closed_sampler_may_be_closed_again(vocab: Vocab) -> None:
    sampler = Sampler.build(GenerationParams(grammar='root ::= "a"'), vocab)
    sampler.close()
    sampler.close()
