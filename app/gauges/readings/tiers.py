"""The tiers of a run with a compute device: where experts were found, and how fast bytes went from each to the next.

Where the CPU computes alone there are no tiers, and no lines.
"""

from typing import NamedTuple

from offload.protocol import StatsEvent
from offload_app.gauges.readings.history import Change
from offload_app.gauges.readings.language import Language


class TierLine(NamedTuple):
    """One line below a gauge's curve: what, and how much."""

    name: str
    text: str


def hit_lines(event: StatsEvent, change: Change | None, language: Language) -> tuple[TierLine, ...]:
    """Return where experts were found: of the last seconds where any were needed, else since loading.

    Slots count experts; RAM and disk count the parts of the others, prompts and what is read ahead included.
    """
    device, paging = event.stats.memory.device, event.stats.paging
    if device is None:
        return ()
    if change is not None and change.n_hits + change.n_misses:
        slots, host = (change.n_hits, change.n_misses), (change.n_host_hits, change.n_host_misses)
    else:
        slots, host = (paging.hits, paging.misses), (paging.host_hits, paging.host_misses)
    tr, lines = language.translate, []
    if sum(slots):
        name = tr("gauges", "In the slots of {device}").format(device=device.name)
        lines.append(TierLine(name, language.percent(slots[0] / sum(slots))))
    if sum(host):
        lines.append(TierLine(tr("gauges", "Others in RAM"), language.percent(host[0] / sum(host))))
        lines.append(TierLine(tr("gauges", "Others from disk"), language.percent(host[1] / sum(host))))
    if paging.cpu_rows:
        rows = tr("gauges", "{n} rows").format(n=language.number(paging.cpu_rows))
        lines.append(TierLine(tr("gauges", "Computed on the CPU"), rows))
    return tuple(lines)


def hop_lines(event: StatsEvent, change: Change, language: Language) -> tuple[TierLine, ...]:
    """Return how fast bytes went from tier to tier in the last seconds; back again only where any ever did."""
    device = event.stats.memory.device
    if device is None:
        return ()
    tr = language.translate
    hops = [
        (tr("gauges", "Disk to RAM"), change.n_bytes_read),
        (tr("gauges", "RAM to {device}").format(device=device.name), change.n_bytes_uploaded),
    ]
    if event.stats.paging.bytes_downloaded:
        hops.append((tr("gauges", "{device} to RAM").format(device=device.name), change.n_bytes_downloaded))
    return tuple(TierLine(name, language.data_rate(n_bytes / change.seconds)) for name, n_bytes in hops)


def with_lines(sentence: str, lines: tuple[TierLine, ...]) -> str:
    """Return `sentence` and after it what the lines say."""
    said = ", ".join(f"{line.name}: {line.text}" for line in lines)
    return f"{sentence} {said}." if said else sentence
