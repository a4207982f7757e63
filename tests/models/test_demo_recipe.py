"""The file of the demo model against its card, and the chat template it carries."""

import re
from pathlib import Path

import gguf
import jinja2
import pytest

import models.demo
from models.demo import corpus
from models.demo.corpus import Turn
from offload.demo_model import demo_model_path

FOLDER = Path(models.demo.__file__).parent
CARD_ROW = re.compile(r"^\| `((?:general|qwen3moe|tokenizer)\.[a-z0-9_.]+)` \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def model_file() -> gguf.GGUFReader:
    return gguf.GGUFReader(demo_model_path())


def card_rows() -> dict[str, str]:
    return dict(CARD_ROW.findall((FOLDER / "README.md").read_text("utf-8")))


def value(model_file: gguf.GGUFReader, key: str) -> object:
    field = model_file.get_field(key)
    assert field is not None, f"demo.gguf has no {key}"
    return field.contents()


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
    assert kinds == {gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K}


def test_the_file_stays_small() -> None:
    assert demo_model_path().stat().st_size <= 36_000_000
