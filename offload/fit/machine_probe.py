"""`MachineProbe`: the speed of this machine, measured where it is not known yet.

    asked ── kept under the name of machine and disk? ── yes ── returned
                     │ no, or asked to measure again
                 measured ── machine idle? ── yes ── kept
                                 │ no
                             returned, and measured again the next time

Thread rule: for one thread.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import platformdirs

from offload.errors import OffloadError
from offload.fit.compute_speed import measured_form
from offload.fit.estimate import Estimate
from offload.fit.json_file import JsonFile, as_number
from offload.fit.machine_key import disk_name, library_name, machine_name
from offload.fit.machine_speed import ASSUMED_DISK, DiskPoint, DiskSpeed, MachineSpeed, WeightForm
from offload.fit.measuring import DiskPlace, Measuring

VERSION = 1
"""Of what is kept and how it is measured: older numbers are not used."""
MOST_KEPT = 128
BUSY_SHARE = 0.15
"""Of all cores that others compute on, or of what disks move, from which on measurements are not kept."""


def kept_file() -> JsonFile:
    """Return the file in the user's cache folder that measurements are kept in."""
    return JsonFile(Path(platformdirs.user_cache_dir("offload", appauthor=False)) / "machine-speed.json")


class MachineProbe:
    """Knows what was measured before."""

    def __init__(
        self,
        kept: JsonFile,
        measuring: Measuring,
        *,
        again: bool = False,
        on_measuring: Callable[[str], None] = lambda what: None,
    ) -> None:
        """Keep what is measured in `kept`; with `again` measure it even if it is there. `on_measuring` is told what."""
        self._kept, self._measuring, self._again, self._tell = kept, measuring, again, on_measuring
        found = kept.read()
        entries = found.get("measured")
        self._entries = dict(entries) if found.get("version") == VERSION and isinstance(entries, dict) else {}

    def speed(self, forms: Iterable[WeightForm], place: DiskPlace, *, n_threads: int, n_readers: int) -> MachineSpeed:
        """Return the speed of this machine, for weights of these forms and for experts at that place.

        A disk that cannot be measured is assumed to be some disk.

        Raises:
            OffloadError: the computation cannot be measured: the native library is broken.
        """
        machine = machine_name()
        cores = f"{machine}, {library_name()}, {n_threads} threads"
        news: dict[str, object] = {}
        self._measuring.others_share()
        step = self._one(f"{cores}, step", news, "the processor", lambda: self._measuring.step(n_threads))
        weights = {}
        for form in sorted(set(forms), key=lambda form: (form.type, form.interleaved)):
            measured = measured_form(form)
            name = f"{cores}, {measured.type.name}{' interleaved' if measured.interleaved else ''}"
            measure = partial(self._measuring.weights, measured, n_threads, step.middle)
            weights[form] = self._one(name, news, "the processor", measure)
        disk = self._disk(f"{machine}, disk {disk_name(place.folder)}, {n_readers} readers", news, place, n_readers)
        is_busy = bool(news) and self._measuring.others_share() > BUSY_SHARE
        if news and not is_busy:
            kept = {name: entry for name, entry in self._entries.items() if name not in news} | news
            self._entries = dict(list(kept.items())[-MOST_KEPT:])
            self._kept.write({"version": VERSION, "measured": self._entries})
        return MachineSpeed(disk, step, weights, is_busy)

    def _one(self, name: str, news: dict[str, object], what: str, measure: Callable[[], Estimate]) -> Estimate:
        known = news.get(name) or (None if self._again else self._entries.get(name))
        found = _estimate(known)
        if found is None:
            self._tell(what)
            found = measure()
            news[name] = _plain(found)
        return found

    def _disk(self, name: str, news: dict[str, object], place: DiskPlace, n_readers: int) -> DiskSpeed:
        found = None if self._again else _disk_speed(self._entries.get(name))
        if found is None:
            self._tell("the disk")
            try:
                found = self._measuring.disk(place, n_readers)
            except (OffloadError, OSError):
                return ASSUMED_DISK
            news[name] = [[point.request_bytes, *_plain(point.bytes_per_second)] for point in found.points]
        return found


def _plain(estimate: Estimate) -> list[float]:
    return [estimate.low, estimate.middle, estimate.high]


def _estimate(entry: object) -> Estimate | None:
    numbers = [as_number(number) for number in entry] if isinstance(entry, list) else []
    if len(numbers) != 3 or None in numbers:
        return None
    low, middle, high = (number for number in numbers if number is not None)
    return Estimate(low, middle, high) if low <= middle <= high else None


def _disk_speed(entry: object) -> DiskSpeed | None:
    points = []
    for row in entry if isinstance(entry, list) else []:
        size = as_number(row[0]) if isinstance(row, list) and row else None
        speed = _estimate(row[1:]) if isinstance(row, list) else None
        if size is None or speed is None:
            return None
        points.append(DiskPoint(int(size), speed))
    try:
        return DiskSpeed(tuple(points))
    except ValueError:
        return None
