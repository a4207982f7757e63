"""Who is measured against whom, and what a run of one of them is."""

import sys
from dataclasses import dataclass
from enum import Enum

from bench.measurement import Measurement


class Layout(Enum):
    """Layout of the weights; contenders of one layout must give equal logits, bit for bit."""

    PLAIN = "plain"
    PLAIN_EXPERTS = "plain experts, dense weights interleaved"
    INTERLEAVED = "interleaved"


class Contender(Enum):
    """What is measured, in the order of the table."""

    MMAP = "mmap"
    GGUF = "offload, GGUF"
    PACKED = "offload, packed"
    RESIDENT = "offload, resident"
    LLAMA_INTERLEAVED = "llama, resident"
    LLAMA_PLAIN_EXPERTS = "llama, plain experts"

    @property
    def layout(self) -> Layout:
        """Return the layout of the weights it computes with."""
        match self:
            case Contender.MMAP:
                return Layout.PLAIN
            case Contender.GGUF | Contender.LLAMA_PLAIN_EXPERTS:
                return Layout.PLAIN_EXPERTS
            case _:
                return Layout.INTERLEAVED

    @property
    def is_limited(self) -> bool:
        """Return whether it runs at the budget, inside the memory limit; the others take what they need."""
        return self in (Contender.MMAP, Contender.GGUF, Contender.PACKED)

    def command(self, budget_bytes: int, resident_bytes: int) -> list[str]:
        """Return the command of its process, without model and workload."""
        memory = ["--memory-bytes", str(budget_bytes if self.is_limited else resident_bytes)]
        match self:
            case Contender.GGUF:
                return [sys.executable, "-m", "bench.offload_run", "--store", "gguf", *memory]
            case Contender.PACKED | Contender.RESIDENT:
                return [sys.executable, "-m", "bench.offload_run", "--store", "packed", *memory]
            case Contender.LLAMA_INTERLEAVED:
                weights = "interleaved"
            case Contender.LLAMA_PLAIN_EXPERTS:
                weights = "plain-experts"
            case Contender.MMAP:
                weights = "mmap"
        return [sys.executable, "-m", "bench.plain_llama", "--weights", weights]


class Part(Enum):
    """A part of the benchmark that can be run alone."""

    DECODE = "decode"
    PREFILL = "prefill"
    RESIDENT = "resident"
    OPEN = "open"

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Return who takes part."""
        match self:
            case Part.DECODE:
                return (Contender.MMAP, Contender.GGUF, Contender.PACKED)
            case Part.PREFILL:
                return tuple(Contender)
            case Part.RESIDENT:
                return (Contender.RESIDENT, Contender.LLAMA_INTERLEAVED, Contender.LLAMA_PLAIN_EXPERTS)
            case Part.OPEN:
                return (Contender.GGUF, Contender.PACKED)

    @property
    def decodes(self) -> bool:
        """Return whether decode is measured."""
        return self in (Part.DECODE, Part.RESIDENT)

    @property
    def prefills_twice(self) -> bool:
        """Return whether prefill is measured a second time, warm."""
        return self in (Part.PREFILL, Part.RESIDENT)


@dataclass(frozen=True, slots=True)
class Run:
    """One process of one contender."""

    contender: Contender
    round_number: int
    measurement: Measurement
    start_to_first_token_seconds: float
    """From the start of the process to the first decoded token: interpreter and imports included."""
    group_peak_bytes: int | None = None
    """The cgroup's, page cache and kernel included; None where there was no cgroup."""
