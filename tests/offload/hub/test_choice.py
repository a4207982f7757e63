"""Which files are the model that is meant."""

import pytest

from offload.errors import HubError, HubFailure
from offload.hub.choice import choose, models_among
from offload.hub.reference import HubReference


def chosen(paths: list[str], text: str = "u/r", file: str | None = None) -> tuple[str, ...]:
    return choose(models_among(paths), HubReference.parse(text, file=file)).paths


MANY = ["M-Q2_K.gguf", "M-Q4_K_M.gguf", "M-IQ4_XS.gguf", "M-UD-Q4_K_XL.gguf", "M-BF16.gguf", "README.md"]


def test_without_a_quantization_it_is_q4_k_m() -> None:
    assert chosen(MANY) == ("M-Q4_K_M.gguf",)


@pytest.mark.parametrize(
    ("quant", "file"),
    [
        ("q2_k", "M-Q2_K.gguf"),
        ("iq4_xs", "M-IQ4_XS.gguf"),
        ("UD-Q4_K_XL", "M-UD-Q4_K_XL.gguf"),
        ("bf16", "M-BF16.gguf"),
    ],
)
def test_the_case_of_letters_does_not_matter(quant: str, file: str) -> None:
    assert chosen(MANY, f"u/r:{quant}") == (file,)


def test_a_quantization_within_a_longer_name_is_found() -> None:
    assert chosen(MANY, "u/r:Q4_K_XL") == ("M-UD-Q4_K_XL.gguf",)
    assert chosen(["M-Q8_0-v2.gguf", "M-Q2_K.gguf"], "u/r:q8_0") == ("M-Q8_0-v2.gguf",)


def test_the_very_quantization_goes_before_one_that_holds_it() -> None:
    assert chosen(["M-UD-Q4_K_M.gguf", "M-Q4_K_M.gguf"]) == ("M-Q4_K_M.gguf",)


def test_a_dynamic_quantization_answers_for_the_plain_one_only_where_that_is_missing() -> None:
    # llama.cpp's -hf takes the first file whose name holds the tag: as the hub sorts them that is the plain one.
    both = ["A-UD-Q4_K_M.gguf", "M-Q4_K_M.gguf", "M-UD-Q4_K_M.gguf"]
    assert chosen(both, "u/r:q4_k_m") == ("M-Q4_K_M.gguf",)
    assert chosen(["M-UD-Q4_K_M.gguf", "M-UD-Q8_K_XL.gguf"], "u/r:Q4_K_M") == ("M-UD-Q4_K_M.gguf",)
    assert chosen(["M-UD-Q4_K_M.gguf", "M-UD-Q8_K_XL.gguf"]) == ("M-UD-Q4_K_M.gguf",)
    assert chosen(["M-Q4_K_M.gguf", "M-UD-Q4_K_M.gguf"], "u/r:ud-q4_k_m") == ("M-UD-Q4_K_M.gguf",)


def test_a_dynamic_quantization_is_called_by_its_whole_name() -> None:
    (model,) = models_among(["UD-Q4_K_M/M-UD-Q4_K_M-00001-of-00001.gguf"])
    assert model.quant == "UD-Q4_K_M"


def test_a_quantization_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(HubError, match=r"u/r has no Q8_0\. It has BF16, IQ4_XS, Q2_K, Q4_K_M, UD-Q4_K_XL") as caught:
        chosen(MANY, "u/r:Q8_0")
    assert caught.value.reason is HubFailure.NOT_FOUND


def test_part_of_a_quantization_is_not_it() -> None:
    with pytest.raises(HubError, match="has no Q4_XS"):
        chosen(MANY, "u/r:Q4_XS")


def test_the_only_model_needs_no_quantization() -> None:
    assert chosen(["gpt-oss-20b-mxfp4.gguf"]) == ("gpt-oss-20b-mxfp4.gguf",)
    with pytest.raises(HubError, match="It has MXFP4"):
        chosen(["gpt-oss-20b-mxfp4.gguf"], "u/r:Q4_K_M")


def test_parts_are_one_model_in_their_order() -> None:
    parts = [f"Q4_K_M/M-Q4_K_M-{number:05d}-of-00012.gguf" for number in range(1, 13)]
    assert chosen([*reversed(parts), "M-Q8_0.gguf"]) == tuple(parts)


def test_the_quantization_may_be_the_folder_s() -> None:
    assert chosen(["Q2_K/model.gguf", "Q4_K_M/model.gguf"]) == ("Q4_K_M/model.gguf",)


def test_a_model_that_lacks_a_part_is_not_taken() -> None:
    with pytest.raises(HubError, match="has only 2 of the 3 parts"):
        chosen(["M-Q4_K_M-00001-of-00003.gguf", "M-Q4_K_M-00003-of-00003.gguf"])


def test_companions_are_no_models() -> None:
    companions = ["mmproj-Q4_K_M.gguf", "M-imatrix-Q4_K_M.gguf", "mtp-M-Q4_K_M.gguf", "eagle3-M-Q4_K_M.gguf"]
    assert chosen([*companions, "M-Q4_K_M.gguf"]) == ("M-Q4_K_M.gguf",)
    with pytest.raises(HubError, match="has no GGUF model"):
        chosen(companions)


def test_two_models_of_a_quantization_are_a_question() -> None:
    both = ["A-Q4_K_M.gguf", "B-Q4_K_M.gguf"]
    with pytest.raises(HubError, match=r"2 models of Q4_K_M: A-Q4_K_M\.gguf, B-Q4_K_M\.gguf"):
        chosen(both)
    assert chosen(both, file="B-Q4_K_M.gguf") == ("B-Q4_K_M.gguf",)


def test_a_file_is_found_by_path_or_name_and_any_part_is_the_model() -> None:
    paths = ["a/M-00001-of-00002.gguf", "a/M-00002-of-00002.gguf", "b/N.gguf", "c/N.gguf"]
    assert chosen(paths, file="M-00002-of-00002.gguf") == tuple(paths[:2])
    assert chosen(paths, file="c/N.gguf") == ("c/N.gguf",)
    with pytest.raises(HubError, match=r"has no model file N\.gguf"):
        chosen(paths, file="N.gguf")
