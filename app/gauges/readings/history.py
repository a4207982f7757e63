"""The statistics of the last seconds: what has changed between two moments.

A history holds samples of one model only: counters that fall, or another shape, begin a new one.
"""

from dataclasses import dataclass
from typing import NamedTuple

from offload.protocol import Speed, Stats

WINDOW_SECONDS = 5.0
"""How long "the last seconds" are."""


class Sample(NamedTuple):
    """Statistics and when they were received, in seconds of a clock that only goes forward."""

    at_seconds: float
    stats: Stats


@dataclass(frozen=True, slots=True)
class Change:
    """What happened between the oldest and the newest sample."""

    seconds: float
    n_hits: int
    n_misses: int
    n_bytes_read: int
    stall_seconds: float
    """Time the compute waited for reads, prefill and decode."""
    n_host_hits: int = 0
    """Of parts of experts, in the cache behind a device's slots; this and what follows is 0 without a device."""
    n_host_misses: int = 0
    n_bytes_uploaded: int = 0
    n_bytes_downloaded: int = 0


@dataclass(frozen=True, slots=True)
class DecodeChange:
    """Tokens of one generation and the time they took."""

    n_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """Samples of the last `WINDOW_SECONDS`, oldest first."""

    samples: tuple[Sample, ...] = ()

    def extended(self, at_seconds: float, stats: Stats) -> "History":
        """Return the history with one more sample; of a new model, with that sample alone."""
        kept = self.samples if self.is_continued_by(stats) else ()
        oldest = at_seconds - WINDOW_SECONDS
        return History((*(s for s in kept if oldest <= s.at_seconds < at_seconds), Sample(at_seconds, stats)))

    def is_continued_by(self, stats: Stats) -> bool:
        """Say whether `stats` are a later moment of the same model."""
        if not self.samples:
            return True
        old, new = self.samples[-1].stats, stats
        if (old.paging.n_layer, old.paging.n_expert) != (new.paging.n_layer, new.paging.n_expert):
            return False
        return all(was <= now for was, now in zip(_counters(old), _counters(new), strict=True))

    def change(self) -> Change | None:
        """Return what changed; None where there are no two samples."""
        if len(self.samples) < 2:
            return None
        (start, old), (end, new) = self.samples[0], self.samples[-1]
        return Change(
            seconds=end - start,
            n_hits=new.paging.hits - old.paging.hits,
            n_misses=new.paging.misses - old.paging.misses,
            n_bytes_read=new.paging.bytes_read - old.paging.bytes_read,
            stall_seconds=_stall_seconds(new) - _stall_seconds(old),
            n_host_hits=new.paging.host_hits - old.paging.host_hits,
            n_host_misses=new.paging.host_misses - old.paging.host_misses,
            n_bytes_uploaded=new.paging.bytes_uploaded - old.paging.bytes_uploaded,
            n_bytes_downloaded=new.paging.bytes_downloaded - old.paging.bytes_downloaded,
        )

    def decode_change(self) -> DecodeChange | None:
        """Return what was decoded of the newest sample's generation; None where nothing was."""
        of_generation = [s.stats.speed for s in self.samples if _is_same_generation(s.stats.speed, self.newest.speed)]
        if not of_generation:
            return None
        old, new = of_generation[0], of_generation[-1]
        n_tokens, seconds = new.n_generated - old.n_generated, new.decode_seconds - old.decode_seconds
        return DecodeChange(n_tokens, seconds) if n_tokens > 0 and seconds > 0 else None

    @property
    def newest(self) -> Stats:
        """The last sample's statistics; all zero where there is none."""
        return self.samples[-1].stats if self.samples else Stats()

    @property
    def is_active(self) -> bool:
        """Whether anything was computed or read between the last two samples."""
        return len(self.samples) > 1 and _progress(self.samples[-2].stats) != _progress(self.newest)


def _counters(stats: Stats) -> tuple[float, ...]:
    """Return what only grows while a model is open."""
    paging = stats.paging
    of_tiers = (paging.host_hits, paging.host_misses, paging.bytes_uploaded, paging.bytes_downloaded, paging.cpu_rows)
    of_slots = (paging.hits, paging.misses, paging.bytes_read, paging.bytes_prefetched)
    return (*of_slots, *of_tiers, _stall_seconds(stats))


def _progress(stats: Stats) -> tuple[float, ...]:
    """Return what changes while a model computes or reads."""
    return (*_counters(stats), stats.speed.n_prompt, stats.speed.n_generated)


def _stall_seconds(stats: Stats) -> float:
    return stats.paging.stall_seconds + stats.paging.staging_wait_seconds


def _is_same_generation(old: Speed, new: Speed) -> bool:
    """Say whether `old` is an earlier moment of `new`'s generation, with a token at least."""
    return old.first_token_seconds == new.first_token_seconds > 0 and old.n_generated <= new.n_generated
