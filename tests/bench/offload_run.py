"""`offload` as a contender, in a process of its own: the engine's parts, fed fixed tokens instead of a text."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measurement import Paging, Tokens, Workload, add_arguments, measure, print_line
from offload.config import EngineConfig, OnMiss, StoreChoice
from offload.engine_parts import OpenedModel, prepare
from offload.errors import OffloadError
from offload.experts.packed_store import PackedStore


@dataclass(frozen=True, slots=True)
class DeviceTier:
    """What a run has of a device."""

    device: str
    vram_bytes: int
    on_miss: OnMiss


NO_DEVICE = DeviceTier("cpu", 0, OnMiss.COPY)


class _OffloadRun:
    """A model opened by the engine's parts, one sequence."""

    def __init__(self, opened_model: OpenedModel) -> None:
        self._opened = opened_model
        self._position = 0

    @property
    def n_vocab(self) -> int:
        return self._opened.model.n_vocab

    def feed(self, tokens: Tokens) -> None:
        self._opened.context.decode(tokens, position=self._position)
        self._position += len(tokens)

    def logits(self) -> NDArray[np.float32]:
        return self._opened.context.logits()

    def clear(self) -> None:
        self._opened.context.clear()
        self._position = 0

    def paging(self) -> Paging | None:
        if self._opened.paged is None:
            return None
        counts = self._opened.paged.pager.counts()
        return Paging(counts.hits, counts.misses, counts.bytes_read, counts.stall_seconds)


@contextmanager
def opened(
    path: Path, packed: bool, memory_bytes: int, work: Workload, tier: DeviceTier = NO_DEVICE
) -> Iterator[_OffloadRun]:
    """Open a model within a budget, its experts in the packed store beside it or in the GGUF itself.

    Raises:
        RuntimeError: there is no packed store.
        OffloadError: as `offload.open_model` raises it.
    """
    config = EngineConfig(
        memory=memory_bytes,
        n_ctx=work.n_ctx,
        n_threads=work.n_threads,
        store=StoreChoice.AUTO if packed else StoreChoice.GGUF,
        device=tier.device,
        vram=tier.vram_bytes,
        on_miss=tier.on_miss,
    )
    prepared = prepare(path, config)
    if packed and not isinstance(prepared.store, PackedStore):
        raise RuntimeError(f"there is no packed store beside {path}")
    model = OpenedModel(prepared, config, cancelled=lambda: False, on_progress=None)
    try:
        yield _OffloadRun(model)
    finally:
        model.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description="Measure offload on fixed tokens.")
    add_arguments(parser)
    parser.add_argument("--store", choices=("gguf", "packed"), default="gguf")
    parser.add_argument("--memory-bytes", type=int, required=True, help="budget of the whole process")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--vram-bytes", type=int, default=0, help="budget of the device's memory")
    parser.add_argument("--on-miss", type=OnMiss, default=OnMiss.COPY)
    options = parser.parse_args(arguments)
    tier = DeviceTier(options.device, options.vram_bytes, options.on_miss)
    packed = options.store == "packed"
    path = Path(options.model)
    try:
        work, memory_bytes = options.workload, options.memory_bytes
        print_line(measure(lambda: opened(path, packed, memory_bytes, work, tier), work))
    except OffloadError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
