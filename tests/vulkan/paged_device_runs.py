"""Experts paged onto the device of the gates, over RAM and disk; `python -m` prints what a run's logits hash to."""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.paged_runs import Logits, StoredModel, gguf_model, paged_context
from offload.llama.context import LlamaContext
from offload.paged_model import PagedModel
from offload.slot_home import DeviceShare
from vulkan.devices import gates_device
from vulkan.plain_device_runs import prompt_and_answer


@dataclass(frozen=True, slots=True)
class Tiers:
    """What a model has of the device, and of the RAM below it."""

    n_slots: int
    """Of each layer."""
    ram_share: float = 1.0
    """Of the bytes of all experts."""
    staged: bool = True
    n_ubatch: int = 16
    on_cpu: float | None = None
    """As `DeviceShare.on_cpu`."""
    n_readers: int = 2


@contextmanager
def paged_device_context(stored: StoredModel, tiers: Tiers) -> Iterator[tuple[PagedModel, LlamaContext]]:
    """Open the model with its experts paged onto the device.

    Raises:
        LookupError: ggml does not list the device.
    """
    expert_bytes = sum(layout.n_expert * layout.slot_bytes for layout in stored.store.layers.values())
    share = DeviceShare(
        address=gates_device().address,
        stands_in=False,
        capacity=stored.capacity(tiers.n_slots),
        staged=tiers.staged,
        host_bytes=round(tiers.ram_share * expert_bytes),
        n_readers=tiers.n_readers,
        on_cpu=tiers.on_cpu,
    )
    with paged_context(
        stored, tiers.n_slots, staged=tiers.staged, n_ubatch=tiers.n_ubatch, n_readers=tiers.n_readers, device=share
    ) as opened:
        yield opened


def paged_logits(stored: StoredModel, tiers: Tiers) -> Logits:
    """Return the logits of a prompt and an answer, in a context of their own."""
    with paged_device_context(stored, tiers) as (_, context):
        return prompt_and_answer(context)


def digest(logits: Logits) -> str:
    """Return what equal logits, and only they, have in common."""
    return hashlib.sha256(logits.tobytes()).hexdigest()


def main() -> int:
    """Run one model in this process and print the digest of its logits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--on-cpu", type=float)
    options = parser.parse_args()
    print(digest(paged_logits(gguf_model(options.model), Tiers(options.slots, on_cpu=options.on_cpu))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
