"""The demo model's recipe (without PyTorch) and the file it made."""

import re
from itertools import islice
from pathlib import Path
from random import Random

import gguf
import jinja2
import pytest

from models.demo import corpus, stories
from models.demo.talk import KINDS, Turn

FOLDER = Path(corpus.__file__).parent
CARD_ROW = re.compile(r"^\| `((?:general|qwen3moe|tokenizer)\.[a-z0-9_.]+)` \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def model_file() -> gguf.GGUFReader:
    return gguf.GGUFReader(FOLDER / "demo.gguf")


def card_rows() -> dict[str, str]:
    return dict(CARD_ROW.findall((FOLDER / "README.md").read_text("utf-8")))


def value(model_file: gguf.GGUFReader, key: str) -> object:
    field = model_file.get_field(key)
    assert field is not None, f"demo.gguf has no {key}"
    return field.contents()


def test_the_same_seed_gives_the_same_documents() -> None:
    assert list(islice(corpus.documents(7), 200)) == list(islice(corpus.documents(7), 200))


def test_another_seed_gives_other_documents() -> None:
    assert not set(islice(corpus.documents(7), 50)) & set(islice(corpus.documents(8), 50))


def test_conversations_alternate_and_end_with_the_assistant() -> None:
    for _, turns in islice(corpus.conversations(3), 500):
        roles = [turn.role for turn in turns if turn.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


def test_every_kind_of_conversation_is_drawn() -> None:
    assert {kind for kind, _ in islice(corpus.conversations(3), 2000)} == set(KINDS)


def test_no_held_out_prompt_is_trained() -> None:
    asked = [t.text for _, turns in islice(corpus.conversations(3), 2000) for t in turns if t.role == "user"]
    assert not any(map(corpus.is_held_out, asked))


def test_held_out_conversations_begin_with_a_held_out_prompt() -> None:
    for _, turns in islice(corpus.conversations(3, held_out=True), 100):
        assert corpus.is_held_out(next(turn.text for turn in turns if turn.role == "user"))


def test_a_held_out_pair_of_numbers_is_held_out_in_every_wording() -> None:
    pair = next((x, y) for x in range(10, 99) for y in range(10, 99) if corpus.is_held_out(f"What is {x} + {y}?"))
    x, y = pair
    assert corpus.is_held_out(f"{y} - {x}")
    assert corpus.is_held_out(f"Anna has {x} apples and gets {y} more. How many apples does Anna have now?")


def test_a_story_keeps_to_what_was_asked_for() -> None:
    told = stories.tell(Random(5), place="harbour", thing="lamp")
    assert "harbour" in told.text
    assert "lamp" in told.text
    assert told.hero.name in told.text


def test_no_document_holds_a_special_token_within_a_text() -> None:
    for _, turns in islice(corpus.conversations(4), 500):
        assert not any(token in turn.text for turn in turns for token in corpus.SPECIAL_TOKENS)


@pytest.mark.parametrize("add_generation_prompt", [False, True])
@pytest.mark.parametrize("system", ["", "You are a helpful assistant."])
def test_the_chat_template_renders_what_the_recipe_trained(system: str, add_generation_prompt: bool) -> None:
    turns = [Turn("user", "Hello!"), Turn("assistant", "Hi!\n\nHow are you?"), Turn("user", "  Fine <b>\n")]
    if system:
        turns.insert(0, Turn("system", system))
    rendered = jinja2.Template(corpus.CHAT_TEMPLATE).render(
        messages=[{"role": turn.role, "content": turn.text} for turn in turns],
        add_generation_prompt=add_generation_prompt,
    )
    assert rendered == corpus.render(turns, add_generation_prompt=add_generation_prompt)


def test_chatml_looks_like_chatml() -> None:
    rendered = corpus.render([Turn("user", "Hello!")], add_generation_prompt=True)
    assert rendered == "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n"


def test_the_card_names_the_architecture_and_the_licence() -> None:
    assert {"general.architecture", "general.license", "qwen3moe.expert_count"} <= card_rows().keys()


def test_the_file_has_the_metadata_of_the_card(model_file: gguf.GGUFReader) -> None:
    rows = card_rows()
    assert {key: str(value(model_file, key)) for key in rows} == rows


def test_the_file_has_the_recipes_chat_template(model_file: gguf.GGUFReader) -> None:
    assert value(model_file, "tokenizer.chat_template") == corpus.CHAT_TEMPLATE


def test_the_special_tokens_have_the_first_ids_and_end_where_they_should(model_file: gguf.GGUFReader) -> None:
    tokens = value(model_file, "tokenizer.ggml.tokens")
    assert isinstance(tokens, list)
    assert tuple(tokens[:3]) == corpus.SPECIAL_TOKENS
    assert value(model_file, "tokenizer.ggml.eos_token_id") == tokens.index(corpus.IM_END)
    assert value(model_file, "tokenizer.ggml.padding_token_id") == tokens.index(corpus.END_OF_TEXT)


def test_the_expert_matrices_are_quantized_in_blocks_of_256(model_file: gguf.GGUFReader) -> None:
    kinds = {t.tensor_type for t in model_file.tensors if "_exps." in t.name}
    assert kinds == {gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q5_K}


def test_the_file_stays_small() -> None:
    assert (FOLDER / "demo.gguf").stat().st_size <= 12_000_000
