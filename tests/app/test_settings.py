"""What settings are read from a text, and what falls back."""

import json

import pytest

from offload.protocol import OnMiss
from offload_app.model_choices import ModelChoice, ModelChoices
from offload_app.settings import (
    MOST_OTHER_MODELS,
    Settings,
    ThemeChoice,
    is_budget,
    settings_from_json,
    settings_to_json,
    with_other_model,
)

CHOSEN = Settings(
    models_folder="/models",
    model="/models/m.gguf",
    other_models=("/elsewhere/a.gguf", "/elsewhere/größer-نموذج.gguf"),
    choices=ModelChoices().with_choice("/models/m.gguf", ModelChoice(6 << 30, 8192)),
    budget="6G",
    threads=3,
    device="CUDA0",
    vram="80%",
    on_miss=OnMiss.AUTO,
    theme=ThemeChoice.DARK,
    font_points=14,
    compact_gauges=True,
    show_list=False,
    show_gauges=False,
    are_gauges_explained=True,
    geometry="AAEC",
    panes="AAEC",
)
WRONG = {
    "models_folder": 7,
    "model": "a\0b",
    "other_models": "/a.gguf",
    "choices": [],
    "budget": "lots",
    "threads": -1,
    "device": "CUDA\n0",
    "vram": "all of it",
    "on_miss": "guess",
    "theme": "pink",
    "font_points": 500,
    "compact_gauges": "yes",
    "show_list": 1,
    "show_gauges": None,
    "are_gauges_explained": [],
    "geometry": {},
    "panes": 1.5,
}


def test_what_was_written_is_read() -> None:
    read = settings_from_json(settings_to_json(CHOSEN))
    assert (read.settings, read.unread, read.is_damaged) == (CHOSEN, (), False)


def test_what_is_missing_is_as_at_a_first_start() -> None:
    assert settings_from_json("{}").settings == Settings()


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_value_falls_back_alone(name: str) -> None:
    fields = {**json.loads(settings_to_json(CHOSEN)), name: WRONG[name]}
    read = settings_from_json(json.dumps(fields))
    assert read.unread == (name,)
    assert getattr(read.settings, name) == getattr(Settings(), name)
    changed = [field for field in WRONG if getattr(read.settings, field) != getattr(CHOSEN, field)]
    assert changed == [name]


def test_an_unknown_name_is_told() -> None:
    assert settings_from_json('{"colour": "red"}').unread == ("colour",)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000])
def test_a_text_that_is_no_object_is_damaged(text: str) -> None:
    read = settings_from_json(text)
    assert (read.settings, read.is_damaged) == (Settings(), True)


@pytest.mark.parametrize("text", ["auto", "6G", "6g", "1.5GiB", "512 MB", "60%", "100%", "0.5G", " 4G ", "1048576"])
def test_a_budget_is_what_the_command_line_takes(text: str) -> None:
    assert is_budget(text)


@pytest.mark.parametrize("text", ["", "lots", "-1G", "0", "0G", "101%", "0%", "G", "6 Gold", "0.0G", "٣G", "1e9"])
def test_another_text_is_no_budget(text: str) -> None:
    assert not is_budget(text)


@pytest.mark.parametrize(("text", "is_right"), [("stand-in", True), ("", False), (" ", False), ("x" * 65, False)])
def test_a_device_is_a_short_line_of_text(text: str, is_right: bool) -> None:
    read = settings_from_json(json.dumps({"device": text}))
    assert (read.settings.device == text, read.unread == ()) == (is_right, is_right)


def test_a_wrong_path_among_the_other_models_is_left_out_alone() -> None:
    read = settings_from_json('{"other_models": ["/a.gguf", 7, ""]}')
    assert read.settings.other_models == ("/a.gguf",)
    assert read.unread == ("other_models",)


def test_other_models_are_bounded_and_the_newest_stay() -> None:
    settings = Settings()
    for n in (*range(MOST_OTHER_MODELS + 1), 5):
        settings = Settings(other_models=with_other_model(settings, f"/{n}.gguf"))
    assert len(settings.other_models) == MOST_OTHER_MODELS
    assert settings.other_models[-2:] == (f"/{MOST_OTHER_MODELS}.gguf", "/5.gguf")


def test_a_name_that_is_no_text_is_not_kept() -> None:
    assert with_other_model(Settings(other_models=("/a.gguf",)), "/\udcff.gguf") == ("/a.gguf",)
