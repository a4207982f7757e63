"""What computes, as the preferences offer it: which choices there are, and what is said of them; pure."""

from collections.abc import Sequence
from typing import NamedTuple

from offload.protocol import ListedDevice
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.report_words import report_words

AUTO, CPU = "auto", "cpu"
_CONTEXT = "Preferences"


class DeviceChoice(NamedTuple):
    """One line of the menu."""

    value: str
    """What the settings keep."""
    text: str


def device_choices(devices: Sequence[ListedDevice] | None, chosen: str, language: Language) -> tuple[DeviceChoice, ...]:
    """Return what may be chosen: automatic, the CPU, every device, and what is `chosen` where it is none of them.

    `devices` are None while they are not known.
    """
    tr = language.translate
    choices = [DeviceChoice(AUTO, tr(_CONTEXT, "Automatic")), DeviceChoice(CPU, tr(_CONTEXT, "CPU only"))]
    choices += [DeviceChoice(device.name, _text_of(device, language)) for device in devices or ()]
    if place_of(chosen, choices) is None:
        text = chosen if devices is None else tr(_CONTEXT, "{device} (not found)").replace("{device}", chosen)
        choices.append(DeviceChoice(chosen, text))
    return tuple(choices)


def place_of(chosen: str, choices: Sequence[DeviceChoice]) -> int | None:
    """Return which of `choices` is the one of the settings, in capitals or not."""
    values = [choice.value.casefold() for choice in choices]
    named = chosen.strip().casefold()
    return values.index(named) if named in values else None


def device_note(
    devices: Sequence[ListedDevice] | None, chosen: str, refusal: ErrorReport | None, language: Language
) -> str:
    """Return what is to be said of the choice; empty where nothing is."""
    tr = language.translate
    if refusal is not None:
        return report_words(refusal)
    if devices is None:
        return tr(_CONTEXT, "Looking for GPUs…")
    if not devices:
        return tr(_CONTEXT, "No GPU was found: the CPU computes.")
    if any(device.name.casefold() == chosen.strip().casefold() and device.shares_memory for device in devices):
        return tr(_CONTEXT, "It computes in the machine's own memory: both budgets are of that one.")
    return ""


def _text_of(device: ListedDevice, language: Language) -> str:
    named = f"{device.description} ({device.name})" if device.description else device.name
    return f"{named}, {language.size(device.total_bytes)}" if device.total_bytes else named
