"""Text to tokens and back, with a real byte-level BPE vocabulary."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.tiny_models import TinyArchitecture, build_tiny_model
from fakes.tiny_tokenizer import TURN_END, TURN_START, tiny_vocabulary
from offload.errors import UsageError
from offload.llama.model import LlamaModel
from offload.llama.vocab import Vocab


@pytest.fixture(scope="module")
def vocab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocab]:
    path = build_tiny_model(Path(tmp_path_factory.mktemp("vocab")) / "tiny.gguf", TinyArchitecture.DENSE)
    with LlamaModel.open(path, vocab_only=True) as model:
        yield model.vocab


def test_the_special_tokens_are_the_file_s_own(vocab: Vocab) -> None:
    written = tiny_vocabulary()
    assert (vocab.n_tokens, vocab.bos, vocab.eos) == (len(written.tokens), written.end_of_text, written.turn_end)
    assert (vocab.adds_bos, vocab.adds_eos) == (False, False)
    assert vocab.eos_text == TURN_END


def test_generation_ends_at_the_end_of_turn(vocab: Vocab) -> None:
    assert vocab.is_end_of_generation(tiny_vocabulary().turn_end)
    assert tiny_vocabulary().turn_end in vocab.end_of_generation
    assert not vocab.is_end_of_generation(0)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_survives_tokens_and_back(vocab: Vocab, text: str) -> None:
    tokens = vocab.tokenize(text, add_special=False, parse_special=False)
    assert b"".join(map(vocab.piece, tokens)).decode() == text


def test_merges_make_fewer_tokens_than_bytes(vocab: Vocab) -> None:
    assert len(vocab.tokenize(" the the", add_special=False, parse_special=False)) == 2


def test_special_text_is_a_token_only_where_asked_for(vocab: Vocab) -> None:
    plain = vocab.tokenize(TURN_START, add_special=False, parse_special=False)
    parsed = vocab.tokenize(TURN_START, add_special=False, parse_special=True)
    assert parsed == [tiny_vocabulary().turn_start]
    assert len(plain) > 1


def test_a_control_token_shows_only_where_asked_for(vocab: Vocab) -> None:
    token = tiny_vocabulary().turn_end
    assert vocab.piece(token) == b""
    assert vocab.piece(token, special=True) == TURN_END.encode()


def test_half_a_character_is_bytes_of_its_own(vocab: Vocab) -> None:
    tokens = vocab.tokenize("é", add_special=False, parse_special=False)
    assert [vocab.piece(token) for token in tokens] == [b"\xc3", b"\xa9"]
    assert vocab.text(tokens[:1]) == "�"


def test_an_empty_text_has_no_tokens(vocab: Vocab) -> None:
    assert vocab.tokenize("", add_special=True, parse_special=True) == []


def test_a_lone_surrogate_does_not_reach_llama_cpp(vocab: Vocab) -> None:
    assert vocab.text(vocab.tokenize("a\udcffb", add_special=False, parse_special=False)) == "a?b"


@pytest.mark.parametrize("token", [-1, 1_000_000])
def test_a_token_outside_the_vocabulary_is_refused(vocab: Vocab, token: int) -> None:
    with pytest.raises(UsageError, match=str(token)):
        vocab.piece(token)
