"""What an open model is called."""

from pathlib import Path
from types import MappingProxyType

import pytest

from offload.gguf_header import GgufHeader
from offload.gguf_title import MAX_NAME_CHARACTERS, model_title


def header(**general: object) -> GgufHeader:
    metadata = {"general.architecture": "qwen3moe"} | {f"general.{key}": value for key, value in general.items()}
    return GgufHeader((Path("m.gguf"),), 3, MappingProxyType(metadata), MappingProxyType({}), 32)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("general", "words"),
    [
        ({"name": "Qwen3", "size_label": "30B-A3B"}, "Qwen3 30B-A3B · Q4_K_M"),
        ({"name": "Qwen3 30B A3B Instruct", "size_label": "30B-A3B"}, "Qwen3 30B A3B Instruct · Q4_K_M"),
        ({"name": "Mixtral"}, "Mixtral · Q4_K_M"),
        ({"size_label": "8x7B"}, "qwen3moe 8x7B · Q4_K_M"),
        ({}, "qwen3moe · Q4_K_M"),
        ({"name": 7, "size_label": ""}, "qwen3moe · Q4_K_M"),
    ],
)
def test_a_model_is_called_by_name_size_and_quantization(general: dict[str, object], words: str) -> None:
    assert model_title(header(**general), "Q4_K_M") == words


def test_an_unknown_quantization_is_left_out() -> None:
    assert model_title(header(name="Mixtral"), "") == "Mixtral"


def test_whatever_a_file_calls_itself_is_one_short_line() -> None:
    words = model_title(header(name="a\n\x1b[31m\u202eb " + "x" * 500), "Q8_0")
    assert words.startswith("a [31mb xxx")
    assert words.isprintable()
    assert len(words) <= MAX_NAME_CHARACTERS + len(" · Q8_0")
