"""Models in words."""

import pytest

from fakes.model_shelf import PATH, shelved, summary
from fakes.scripted_models import GIB
from offload.protocol_errors import ErrorReport
from offload_app.engine_state import EngineState
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.model_row import loaded_key, read_row
from offload_app.library.readings.model_words import all_facts, pack_word, short_facts, title_of, trouble_of
from offload_app.library.shelf import DEMO
from offload_app.model_status import ModelStatus

LANGUAGE = Language()


@pytest.mark.parametrize(
    ("key", "title"),
    [
        (DEMO, "Demo model"),
        ("/m/a.b.gguf", "a.b"),
        ("/m/Big-00001-of-00003.GGUF", "Big"),
        (r"C:\models\a.gguf", "a"),
        ("/m/نموذج-صغير.gguf", "نموذج-صغير"),
        ("/m/odd", "odd"),
    ],
)
def test_a_model_is_called_as_its_file(key: str, title: str) -> None:
    assert title_of(shelved(key=key), LANGUAGE) == title


def test_a_row_says_what_the_model_is() -> None:
    assert short_facts(shelved(), LANGUAGE) == "Q4_K_M · 8.0 GB · qwen3moe · 128 experts, 8 used"
    assert short_facts(shelved(summary=summary(n_expert=0)), LANGUAGE).endswith("no experts")


def test_before_it_was_looked_at_only_the_size_is_known() -> None:
    assert short_facts(shelved(summary=None), LANGUAGE) == "8.0 GB"


def test_the_detail_says_everything() -> None:
    facts = all_facts(summary(n_files=3), LANGUAGE).replace("\u00a0", " ")
    assert facts == (
        "scripted · qwen3moe · 14.9 billion parameters · Q4_K_M · 8.0 GB in 3 files · 24 layers"
        " · 128 experts, 8 used · 32,768 tokens of context at most"
    )


def test_what_the_header_does_not_say_is_left_out() -> None:
    facts = all_facts(summary(name="", n_params=0, n_layer=0, context_length=0), LANGUAGE).replace("\u00a0", " ")
    assert facts == "qwen3moe · Q4_K_M · 8.0 GB · 128 experts, 8 used"
    assert "53.0 million parameters" in all_facts(summary(n_params=53_024_000), LANGUAGE)


def test_trouble_is_the_worker_s_sentence_and_what_to_do() -> None:
    refused = shelved(summary=None, refusal=ErrorReport("ModelFileError", "Cut off.", "Get it again."))
    assert trouble_of(refused, LANGUAGE) == "Cut off. Get it again."
    assert trouble_of(shelved(found=None), LANGUAGE) == "The file is not there any more."
    assert trouble_of(shelved(), LANGUAGE) == ""
    assert trouble_of(shelved(key=DEMO, found=None), LANGUAGE) == ""


@pytest.mark.parametrize(
    ("state", "word"), [("none", ""), ("ready", "packed"), ("stale", "to be packed again"), ("dense", "")]
)
def test_whether_it_is_packed_in_a_word(state: str, word: str) -> None:
    assert pack_word(shelved(summary=summary(pack_state=state)), LANGUAGE) == word


def test_packing_says_how_far_it_is() -> None:
    assert pack_word(shelved(pack_fraction=0.349), LANGUAGE) == "packing 34 %"


def test_a_row_has_everything_for_eye_and_ear() -> None:
    row = read_row(shelved(summary=summary(pack_state="ready", file_bytes=GIB)), is_loaded=True, language=LANGUAGE)
    assert (row.title, row.state, row.is_loaded) == ("qwen3-30b-a3b-Q4_K_M", "loaded · packed", True)
    assert row.tool_tip == f"{PATH}\n{row.facts}\n{row.state}"
    assert row.spoken == f"{row.title}, {row.facts}, {row.state}"


@pytest.mark.parametrize(
    ("status", "key"),
    [
        (ModelStatus(EngineState.LOADED, None, "tiny"), DEMO),
        (ModelStatus(EngineState.GENERATING, "/m/../m/a.gguf", "tiny"), "/m/a.gguf"),
        (ModelStatus(EngineState.STOPPING, "/m/a.gguf"), None),
        (ModelStatus(EngineState.LOADING, "/m/a.gguf", "tiny"), None),
        (ModelStatus(EngineState.DEAD, "/m/a.gguf", "tiny"), None),
    ],
)
def test_the_loaded_model_is_the_one_that_is_open(status: ModelStatus, key: str | None) -> None:
    assert loaded_key(status) == key
