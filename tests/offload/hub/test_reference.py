"""What `USER/REPO:QUANT` may look like."""

import pytest

from offload.errors import UsageError
from offload.hub.reference import HubReference


@pytest.mark.parametrize(
    "text", ["U/R-GGUF:q4_k_m", "hf.co/U/R-GGUF:q4_k_m", "https://huggingface.co/U/R-GGUF:q4_k_m", " U/R-GGUF:q4_k_m "]
)
def test_repository_and_quantization_are_told_apart(text: str) -> None:
    assert HubReference.parse(text) == HubReference("U/R-GGUF", "q4_k_m")


def test_without_a_quantization_there_is_none() -> None:
    assert HubReference.parse("a/b", revision="v1.0", file="x/y.gguf") == HubReference("a/b", None, "v1.0", "x/y.gguf")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a/",
        "/b",
        "a/b/c",
        "../b",
        "a/..",
        "a/b..c",
        ".a/b",
        "a/b.",
        "a/b:",
        "a/b:c:d",
        "a\\b/c",
        "a/b\nc",
        "a/ b",
    ],
)
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not USER/REPO"):
        HubReference.parse(text)


@pytest.mark.parametrize("revision", ["../main", "a/../../b", "/etc", "a b", "a?b", "."])
def test_what_is_no_revision_is_refused(revision: str) -> None:
    with pytest.raises(UsageError, match="is not a revision"):
        HubReference.parse("a/b", revision=revision)


def test_a_file_and_a_quantization_are_too_much() -> None:
    with pytest.raises(UsageError, match="A file and a quantization"):
        HubReference.parse("a/b:Q8_0", file="c.gguf")
