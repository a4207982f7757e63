"""What an open model is called: its own name, how large it is, how it is quantized; a pure function."""

from offload.gguf_header import GgufHeader

MAX_NAME_CHARACTERS = 60


def model_title(header: GgufHeader, quantization: str) -> str:
    """Return one line for a person: `Qwen3 30B-A3B · Q4_K_M`; a part that is not known is left out.

    The file's own words are cut and printed on one line: they may be anything.
    """
    name = _words(header, "general.name") or header.architecture
    size = _words(header, "general.size_label")
    if size and _plain(size) not in _plain(name):
        name = f"{name} {size}"
    return " · ".join(filter(None, [name, quantization]))


def _words(header: GgufHeader, key: str) -> str:
    """Return a text of the metadata as one short line; empty where it says nothing."""
    value = header.metadata.get(key)
    line = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(letter for letter in line if letter.isprintable())[:MAX_NAME_CHARACTERS]


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
