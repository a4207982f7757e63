"""Searching the catalogue, and the names of models on the hub."""

import pytest

from fakes.scripted_models import CATALOG, GIB, OFFER
from offload.protocol import CatalogEntry, ModelOffer
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.lookup import Lookup
from offload_app.library.readings.catalog import (
    entry_facts,
    entry_row,
    found_entries,
    is_listed,
    path_here,
    place_of,
    typed_name,
    typed_row,
)

ENTRIES = tuple(CatalogEntry(**entry) for entry in CATALOG)
FOLDER = "/m"


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Little MoE", "Middle MoE", "Great MoE"]),
        ("  ", ["Little MoE", "Middle MoE", "Great MoE"]),
        ("great", ["Great MoE"]),
        ("other moe", ["Middle MoE", "Great MoE"]),
        ("APACHE", ["Little MoE"]),
        ("other/Middle-GGUF:Q4_K_M", ["Middle MoE"]),
        ("qwen3moe community", ["Great MoE"]),
        ("nothing of that name", []),
    ],
)
def test_every_word_is_looked_for_in_title_repository_and_licence(query: str, titles: list[str]) -> None:
    assert [entry.title for entry in found_entries(ENTRIES, query)] == titles


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("user/repo", "user/repo"),
        (" user/Repo-GGUF:Q4_K_M ", "user/Repo-GGUF:Q4_K_M"),
        ("https://huggingface.co/user/repo", "user/repo"),
        ("hf.co/user/repo:Q8_0", "user/repo:Q8_0"),
        ("user", ""),
        ("user/repo/file", ""),
        ("../etc/passwd", ""),
        ("user/..", ""),
        ("a..b/c", ""),
        ("user/repo:", ""),
        ("two words/repo", ""),
        ("", ""),
    ],
)
def test_a_name_of_the_hub_is_told_from_words(text: str, name: str) -> None:
    assert typed_name(text) == name


def test_a_name_is_listed_in_any_letters() -> None:
    assert is_listed(ENTRIES, "SOME/little-gguf:q4_k_m")
    assert not is_listed(ENTRIES, "some/Little-GGUF:Q8_0")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("u/r:Q4_K_M", "/m/u/r/r-Q4_K_M.gguf"),
        ("u/r", "/m/u/r/r-Q4_K_M.gguf"),
        ("u/r:q8_0", "/m/u/r/r.Q8_0-00001-of-00002.gguf"),
        ("u/r:Q4_K", ""),
        ("u/other:Q4_K_M", ""),
    ],
)
def test_a_model_is_here_where_its_file_lies_in_its_place(name: str, path: str) -> None:
    paths = ["", "/m/r-Q4_K_M.gguf", "/m/u/r/r-Q4_K_M.gguf", "/m/u/r/r.Q8_0-00001-of-00002.gguf"]
    assert path_here(name, FOLDER, paths) == path


@pytest.mark.parametrize("file", ["r-UD-Q4_K_M.gguf", "r-ud-q4_k_m-00001-of-00002.gguf", "UD-Q4_K_M.gguf"])
def test_a_dynamic_quantization_is_not_the_plain_one(file: str) -> None:
    path = f"/m/u/r/{file}"
    assert path_here("u/r:Q4_K_M", FOLDER, [path]) == path_here("u/r", FOLDER, [path]) == ""
    assert path_here("u/r:UD-Q4_K_M", FOLDER, [path]) == path
    assert path_here("u/r:Q4_K_M", FOLDER, [path, "/m/u/r/r-Q4_K_M.gguf"]) == "/m/u/r/r-Q4_K_M.gguf"
    assert path_here("u/r:UD-Q4_K_M", FOLDER, ["/m/u/r/r-Q4_K_M.gguf"]) == ""


def test_a_repository_called_like_a_quantization_changes_nothing() -> None:
    assert path_here("u/cloud:Q4_K_M", FOLDER, ["/m/u/cloud/cloud-Q4_K_M.gguf"]) == "/m/u/cloud/cloud-Q4_K_M.gguf"


def test_a_model_comes_into_a_folder_of_its_repository() -> None:
    assert place_of("u/r:Q4_K_M", FOLDER) == "/m/u/r"


def test_a_row_says_size_experts_licence_and_whether_it_is_here() -> None:
    row = entry_row(ENTRIES[0], "here", True, Language())
    assert row.facts == entry_facts(ENTRIES[0], Language()) == "4.0 GB · 64 experts, 8 used · Apache-2.0"
    assert (row.key, row.title, row.state) == ("some/Little-GGUF:Q4_K_M", "Little MoE", "here")
    assert row.spoken == f"Little MoE, {row.facts}, here"
    assert ENTRIES[0].size_bytes == 4 * GIB


@pytest.mark.parametrize(
    ("lookup", "facts", "trouble"),
    [
        (None, "not in the catalogue", ""),
        (Lookup("u/r"), "not in the catalogue", ""),
        (Lookup("u/r", ModelOffer(**{**OFFER, "n_bytes": 4 * GIB})), "4.0 GB", ""),
        (
            Lookup("u/r", refusal=ErrorReport("HubError", "There is none.", "")),
            "not in the catalogue",
            "There is none.",
        ),
    ],
)
def test_the_row_of_a_typed_name_says_what_the_hub_said(lookup: Lookup | None, facts: str, trouble: str) -> None:
    row = typed_row("u/r", lookup, "", False, Language())
    assert (row.key, row.title, row.facts, row.trouble) == ("u/r", "u/r", facts, trouble)
    assert row.spoken == f"u/r, {trouble or facts}"
