"""A download in words: how far it is, how long it will take, what can be done with it; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from offload.protocol import PullPhase
from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download, DownloadState
from offload_app.report_words import report_words

_CONTEXT = "Library"
_HOUR = 3600
_LEAST_SHOWN = 1e-3
"""Bytes a second below which nothing is said of how long it will take."""


@dataclass(frozen=True, slots=True)
class DownloadRow:
    """What is shown of one download."""

    key: tuple[str, str]
    title: str
    text: str
    trouble: str = ""
    fraction: float | None = None
    """Of 1; None: nothing to draw a bar of."""
    can_pause: bool = False
    can_resume: bool = False
    is_retry: bool = False
    """Whether going on means trying again."""
    can_remove: bool = False
    is_done: bool = False


def read_download(download: Download, language: Language) -> DownloadRow:
    """Return the row of `download`."""
    state = download.state
    has_begun = download.total_bytes and (download.done_bytes or state is DownloadState.RUNNING)
    fraction = download.done_bytes / download.total_bytes if has_begun else None
    return DownloadRow(
        download.key,
        download.title,
        _text(download, language),
        report_words(download.refusal) if download.refusal is not None else "",
        None if state in (DownloadState.DONE, DownloadState.DISCARDING) else fraction,
        can_pause=state in (DownloadState.RUNNING, DownloadState.WAITING),
        can_resume=state in (DownloadState.PAUSED, DownloadState.FAILED),
        is_retry=state is DownloadState.FAILED,
        can_remove=state is not DownloadState.DISCARDING,
        is_done=state is DownloadState.DONE,
    )


def short_state(download: Download, language: Language) -> str:
    """Return how far a download is, in a word or two."""
    tr = language.translate
    match download.state:
        case DownloadState.RUNNING | DownloadState.PAUSING:
            if not download.total_bytes:
                return tr(_CONTEXT, "downloading")
            share = int(100 * download.done_bytes / download.total_bytes) / 100
            return tr(_CONTEXT, "downloading {percent}").format(percent=language.percent(share))
        case DownloadState.WAITING:
            return tr(_CONTEXT, "waiting")
        case DownloadState.PAUSED:
            return tr(_CONTEXT, "paused")
        case DownloadState.FAILED:
            return tr(_CONTEXT, "failed")
        case DownloadState.DONE:
            return tr(_CONTEXT, "here")
    return ""


def status_words(downloads: Iterable[Download], language: Language) -> str:
    """Return what the status line says of all downloads; empty where none is under way."""
    under_way = [download for download in downloads if download.is_under_way]
    if not under_way:
        return ""
    running = next((download for download in under_way if download.state is not DownloadState.WAITING), under_way[0])
    words = short_state(running, language)
    if len(under_way) == 1:
        return words
    text = language.translate(_CONTEXT, "{words}, {n} more wait")
    return text.format(words=words, n=language.number(len(under_way) - 1))


def time_left(download: Download, language: Language) -> str:
    """Return how long it will take at the rate it has; empty where that is not known."""
    rate = download.bytes_per_second or 0.0
    if rate < _LEAST_SHOWN:
        return ""
    seconds = (download.total_bytes - download.done_bytes) / rate
    tr = language.translate
    if seconds >= _HOUR:
        hours, minutes = divmod(round(seconds / 60), 60)
        return tr(_CONTEXT, "{h} h {m} min left").format(h=language.number(hours), m=minutes)
    if seconds >= 60:
        return tr(_CONTEXT, "{m} min left").format(m=round(seconds / 60))
    return tr(_CONTEXT, "{s} s left").format(s=max(1, round(seconds)))


def _text(download: Download, language: Language) -> str:
    tr = language.translate
    has_some = download.total_bytes and (download.done_bytes or download.state is DownloadState.RUNNING)
    far = language.size_of(download.done_bytes, download.total_bytes) if has_some else ""
    match download.state:
        case DownloadState.RUNNING:
            return _running(download, far, language)
        case DownloadState.WAITING:
            return tr(_CONTEXT, "Waiting for its turn")
        case DownloadState.PAUSING:
            return tr(_CONTEXT, "Pausing…")
        case DownloadState.PAUSED if download.was_interrupted:
            return _joined(tr(_CONTEXT, "Paused: offload was closed in the middle of it"), far)
        case DownloadState.PAUSED:
            return _joined(tr(_CONTEXT, "Paused"), far)
        case DownloadState.FAILED:
            return _joined(tr(_CONTEXT, "Stopped by an error"), far)
        case DownloadState.DISCARDING:
            return tr(_CONTEXT, "What has come is being deleted…")
        case DownloadState.DONE:
            return tr(_CONTEXT, "Here: it can be loaded")


def _running(download: Download, far: str, language: Language) -> str:
    tr = language.translate
    match download.phase:
        case PullPhase.LOOKING:
            return tr(_CONTEXT, "Asking the hub…")
        case PullPhase.CHECKING:
            return _joined(tr(_CONTEXT, "Comparing what has come with the hub's checksum"), far)
        case PullPhase.WAITING:
            return _joined(far, tr(_CONTEXT, "the hub does not answer: it is tried again by itself"))
        case PullPhase.DOWNLOADING:
            rate = download.bytes_per_second
            speed = language.data_rate(rate) if rate is not None else ""
            return _joined(far, speed, time_left(download, language))


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)
