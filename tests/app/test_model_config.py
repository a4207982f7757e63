"""How models are opened: as chosen for each, else as the settings say."""

from dataclasses import replace

from offload.protocol import OnMiss
from offload_app.model_choices import ModelChoice, ModelChoices
from offload_app.model_config import config_of, plan_config_of
from offload_app.settings import Settings, settings_from_json

CHOSEN = ModelChoices((("/a.gguf", ModelChoice(6 << 30, 8192)), ("", ModelChoice(n_ctx=1024))))
SETTINGS = Settings(budget="60%", threads=3, choices=CHOSEN)


def test_a_model_is_opened_as_it_was_chosen() -> None:
    config = config_of(SETTINGS, "/a.gguf")
    assert (config.memory, config.n_ctx, config.n_threads) == (6 << 30, 8192, 3)


def test_the_demo_model_has_a_choice_of_its_own() -> None:
    assert (config_of(SETTINGS, None).memory, config_of(SETTINGS, None).n_ctx) == ("60%", 1024)


def test_others_are_opened_as_the_settings_say() -> None:
    assert (config_of(SETTINGS, "/b.gguf").memory, config_of(SETTINGS, "/b.gguf").n_ctx) == ("60%", 0)


def test_plans_are_made_with_the_budget_of_the_settings() -> None:
    config = plan_config_of(SETTINGS, 4096)
    assert (config.memory, config.n_ctx, config.n_threads) == ("60%", 4096, 3)


def test_what_computes_is_as_the_settings_say() -> None:
    settings = replace(SETTINGS, device="CUDA0", vram="6G", on_miss=OnMiss.COMPUTE)
    config, plan = config_of(settings, "/a.gguf"), plan_config_of(settings, 0)
    assert (config.device, config.vram, config.on_miss) == ("CUDA0", "6G", OnMiss.COMPUTE)
    assert (plan.device, plan.vram) == ("CUDA0", "6G")


def test_a_device_of_the_settings_file_that_no_menu_offers_is_handed_on() -> None:
    settings = settings_from_json('{"device": "stand-in", "vram": "30M"}').settings
    assert (config_of(settings, None).device, config_of(settings, None).vram) == ("stand-in", "30M")
