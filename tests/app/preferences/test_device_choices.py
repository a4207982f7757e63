"""What the preferences offer as what computes, and say of it."""

import pytest

from offload.protocol import ListedDevice
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.preferences.device_choices import device_choices, device_note, place_of

GIB = 1 << 30
GPU = ListedDevice("CUDA0", "NVIDIA GeForce RTX 4090", 24 * GIB, 20 * GIB)
OWN = ListedDevice("Vulkan0", "", 0, 0, shares_memory=True)
LANGUAGE = Language()


def test_automatic_the_cpu_and_every_device_are_offered() -> None:
    assert device_choices((GPU, OWN), "auto", LANGUAGE) == (
        ("auto", "Automatic"),
        ("cpu", "CPU only"),
        ("CUDA0", "NVIDIA GeForce RTX 4090 (CUDA0), 24.0 GB"),
        ("Vulkan0", "Vulkan0"),
    )


def test_the_processor_that_stands_in_is_not_offered() -> None:
    assert "stand-in" not in [choice.value for choice in device_choices((GPU,), "cuda0", LANGUAGE)]


@pytest.mark.parametrize(("devices", "text"), [(None, "CUDA7"), ((GPU,), "CUDA7 (not found)")])
def test_what_was_chosen_and_is_not_there_stays_chosen(devices: tuple[ListedDevice, ...] | None, text: str) -> None:
    choices = device_choices(devices, "CUDA7", LANGUAGE)
    assert choices[-1] == ("CUDA7", text)
    assert place_of("CUDA7", choices) == len(choices) - 1


def test_a_device_is_found_in_capitals_or_not() -> None:
    choices = device_choices((GPU,), "cuda0", LANGUAGE)
    assert place_of(" cuda0 ", choices) == 2
    assert len(choices) == 3


@pytest.mark.parametrize(
    ("devices", "chosen", "note"),
    [
        (None, "auto", "Looking for GPUs…"),
        ((), "auto", "No GPU was found: the CPU computes."),
        ((GPU,), "CUDA0", ""),
        ((GPU, OWN), "auto", ""),
        ((OWN,), "vulkan0", "It computes in the machine's own memory: both budgets are of that one."),
    ],
)
def test_what_is_to_be_said_of_the_choice(devices: tuple[ListedDevice, ...] | None, chosen: str, note: str) -> None:
    assert device_note(devices, chosen, None, LANGUAGE) == note


def test_why_nothing_was_found_out_is_said() -> None:
    assert device_note(None, "auto", ErrorReport("AbiError", "No library.", "Install it."), LANGUAGE) == (
        "No library. Install it."
    )
