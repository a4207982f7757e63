"""The arithmetic of `offload bench`: what a run did, the bound of this machine, and the share of it reached.

The bound of decode is the larger of two times per token: the compute with every expert resident, and the bytes of the
misses at the disk's bandwidth: of those misses that no cache of this size avoids, even if it knows the future (Belady).
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from offload.stats import PagingUse, Speed

_WORDS = ("river", "stone", "window", "garden", "letter", "morning", "silver", "question", "bridge", "paper", "winter")


@dataclass(frozen=True, slots=True)
class Run:
    """One prompt and its answer: the speed, and what the pager did while decoding."""

    speed: Speed
    decode: PagingUse
    """Counters of the decode alone."""
    prefill: PagingUse
    """Counters of the prefill alone."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the runs of one model say together: medians of prompts, means over all decoded tokens."""

    n_runs: int
    n_prompt: int
    n_generated: int
    prompt_tokens_per_second: float
    tokens_per_second: float
    first_token_seconds: float
    hit_rate: float
    """Of decode."""
    best_hit_rate: float
    """The most any cache of this size could have had of such a decode, by Belady's algorithm."""
    bytes_per_token: float
    """Read in decode."""
    stall_seconds_per_token: float
    compute_seconds_per_token: float
    """Decode without the stall: what it would take with every expert resident."""
    disk_bytes_per_second: float
    """What the disk gave at best, probed or in a prefill; 0.0 where neither read anything."""
    prefill_bytes_per_second: float
    """What was read in prefill, over its whole time."""

    @property
    def disk_seconds_per_token(self) -> float:
        """Return the time the misses of a token take at the disk's bandwidth."""
        return self.bytes_per_token / self.disk_bytes_per_second if self.disk_bytes_per_second else 0.0

    @property
    def unavoidable_disk_seconds_per_token(self) -> float:
        """Return the time that those misses take which no cache of this size could avoid."""
        share = (1 - self.best_hit_rate) / (1 - self.hit_rate) if self.hit_rate < 1 else 0.0
        return self.disk_seconds_per_token * share

    @property
    def bound_tokens_per_second(self) -> float:
        """Return the most this machine could decode with these slots; 0.0 where nothing was measured."""
        seconds = max(self.compute_seconds_per_token, self.unavoidable_disk_seconds_per_token)
        return 1 / seconds if seconds else 0.0

    @property
    def bound_by_disk(self) -> bool:
        """Return whether the disk rather than the compute is the bound."""
        return self.unavoidable_disk_seconds_per_token > self.compute_seconds_per_token

    @property
    def share_of_bound(self) -> float:
        """Return the share of the bound that was reached."""
        bound = self.bound_tokens_per_second
        return self.tokens_per_second / bound if bound else 0.0


def difference(after: PagingUse, before: PagingUse) -> PagingUse:
    """Return what happened between two readings of the counters; the sizes are those of `after`."""
    return PagingUse(
        n_layer=after.n_layer,
        n_expert=after.n_expert,
        n_slots=after.n_slots,
        hits=after.hits - before.hits,
        misses=after.misses - before.misses,
        bytes_read=after.bytes_read - before.bytes_read,
        bytes_prefetched=after.bytes_prefetched - before.bytes_prefetched,
        stall_seconds=after.stall_seconds - before.stall_seconds,
        staging_wait_seconds=after.staging_wait_seconds - before.staging_wait_seconds,
        expert_compute_seconds=after.expert_compute_seconds - before.expert_compute_seconds,
        read_seconds=after.read_seconds - before.read_seconds,
        bytes_uploaded=after.bytes_uploaded - before.bytes_uploaded,
        bytes_downloaded=after.bytes_downloaded - before.bytes_downloaded,
        host_hits=after.host_hits - before.host_hits,
        host_misses=after.host_misses - before.host_misses,
        cpu_rows=after.cpu_rows - before.cpu_rows,
    )


def summarise(runs: Sequence[Run], *, probed_bytes_per_second: float, best_hit_rate: float | None = None) -> Report:
    """Return the report of `runs`, at least one.

    `best_hit_rate` is of a run whose slots began empty: where these began warm and hit more, theirs is the best.
    """
    n_tokens = sum(run.speed.n_generated for run in runs) or 1
    stall_seconds = sum(run.decode.stall_seconds for run in runs)
    decode_seconds = sum(run.speed.decode_seconds for run in runs)
    hits, misses = (sum(getattr(run.decode, name) for run in runs) for name in ("hits", "misses"))
    prompt_seconds = sum(run.speed.prompt_seconds for run in runs)
    prefill_bytes = sum(run.prefill.bytes_read for run in runs)
    prefill_speed = prefill_bytes / prompt_seconds if prompt_seconds else 0.0
    hit_rate = PagingUse(hits=hits, misses=misses).hit_rate
    return Report(
        n_runs=len(runs),
        n_prompt=round(statistics.median(run.speed.n_prompt for run in runs)),
        n_generated=round(statistics.median(run.speed.n_generated for run in runs)),
        prompt_tokens_per_second=statistics.median(run.speed.prompt_tokens_per_second for run in runs),
        # The mean, as the times per token are, so that the share compares like with like.
        tokens_per_second=n_tokens / decode_seconds if decode_seconds else 0.0,
        first_token_seconds=statistics.median(run.speed.first_token_seconds for run in runs),
        hit_rate=hit_rate,
        best_hit_rate=max(hit_rate, best_hit_rate or 0.0),
        bytes_per_token=sum(run.decode.bytes_read for run in runs) / n_tokens,
        stall_seconds_per_token=stall_seconds / n_tokens,
        compute_seconds_per_token=max(decode_seconds - stall_seconds, 0.0) / n_tokens,
        disk_bytes_per_second=max(probed_bytes_per_second, prefill_speed),
        prefill_bytes_per_second=prefill_speed,
    )


def prompt_of(n_words: int, seed: int) -> str:
    """Return a text of `n_words` words; texts of different seeds begin differently, so that no cache knows them."""
    words = random.Random(seed).choices(_WORDS, k=max(n_words - 1, 0))
    return " ".join([f"{seed}:", *words])
