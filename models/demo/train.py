"""Train the demo model: ``python -m models.demo.train --minutes 140``. PyTorch is needed here and nowhere else.

The clock is the schedule: the learning rate follows a cosine that ends when the minutes do, whatever the machine. A run
that was stopped goes on from its last checkpoint in the work folder, minutes used included.

On a CPU each core is a worker of its own, with its part of the batch: threads that wait for each other at every product
are slower, and several times slower still where another program takes some of a core.
"""

import argparse
import json
import math
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.demo.batches import Batch, held_out_batches, training_batch
from models.demo.network import Kernels, Network, RouterLosses, Rows, Shape
from models.demo.optimizer import MasterAdamW, SharedWeights
from models.demo.tokenizer import load_or_train

SEED = 20
TOKENS_PER_STEP = {"cpu": 4096, "cuda": 16384}
PEAK_RATE = 1.5e-3
LAST_RATE = 1.5e-5
WARM_UP_STEPS = 100
BALANCE_WEIGHT = 0.01
Z_WEIGHT = 0.001
HELD_OUT_BATCHES = 4
CHECKPOINT_SECONDS = 120
LONGEST_WAIT_SECONDS = 900  # a worker that is this late is dead


@dataclass(frozen=True, slots=True)
class Settings:
    """What every worker knows of a run."""

    work_dir: Path
    limit_seconds: float
    device: str
    dtype: torch.dtype
    n_worker: int
    tokens_per_step: int
    max_steps: int
    compiled: bool

    @property
    def n_token(self) -> int:
        """Tokens of one worker's part of a step."""
        return self.tokens_per_step // self.n_worker


def default_work_dir() -> Path:
    """Return the folder for checkpoints: in the user's cache, never in the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "offload" / "demo-training"


def learning_rate(step: int, progress: float) -> float:
    """Return the rate at a step and a share (0 to 1) of the run's time."""
    cosine = LAST_RATE + (PEAK_RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return cosine * min(1.0, (step + 1) / WARM_UP_STEPS)


def batch_loss(network: Network, batch: Batch) -> tuple[Tensor, RouterLosses]:
    """Return the loss of a batch (nats per token) and the router losses."""
    device = network.embedding.device
    ids, targets, weights = (torch.from_numpy(a).to(device) for a in (batch.ids, batch.targets, batch.weights))
    return network.loss(ids, Rows.of(batch.lengths, device), targets, weights)


@torch.no_grad()
def held_out_loss(network: Network, batches: list[Batch]) -> tuple[float, Tensor]:
    """Return the loss on held-out answers and each expert's share of the work [layer, expert]."""
    losses, shares = [], []
    for batch in batches:
        loss, router = batch_loss(network, batch)
        losses.append(float(loss))
        shares.append(torch.stack(router.share))
    return sum(losses) / len(losses), torch.stack(shares).mean(0)


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint so that the old one stays until the new one is whole."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


class Worker:
    """One worker of a run: its part of every batch, its share of every update."""

    def __init__(
        self, rank: int, settings: Settings, tokenizer: Tokenizer, shared: SharedWeights, barrier: Any
    ) -> None:
        if settings.n_worker > 1:
            torch.set_num_threads(1)
        self.rank, self.settings, self.tokenizer, self.barrier = rank, settings, tokenizer, barrier
        kernels = Kernels.compiled() if settings.compiled else Kernels()
        self.network = Network(Shape(n_vocab=tokenizer.get_vocab_size()), kernels).to(settings.device)
        self.optimizer = MasterAdamW(self.network, shared, rank, compiled=settings.compiled)

    def wait(self) -> None:
        """Wait until every worker is here."""
        if self.barrier is not None:
            self.barrier.wait(LONGEST_WAIT_SECONDS)

    def step(self, step: int, rate: float) -> float:
        """Do one step with all other workers and return this worker's loss."""
        s = self.settings
        batch = training_batch(self.tokenizer, SEED, step * s.n_worker + self.rank, s.n_token)
        loss, router = batch_loss(self.network, batch)
        (loss + BALANCE_WEIGHT * router.balance + Z_WEIGHT * router.z).backward()
        self.optimizer.give()
        self.wait()
        self.optimizer.measure()
        self.wait()
        self.optimizer.apply(step + 1, rate)
        self.wait()
        return float(loss.detach())


def follow(rank: int, settings: Settings, shared: SharedWeights, orders: Tensor, barrier: Any) -> None:
    """Do the steps that the first worker orders: ``orders`` are the step, or -1 for the end, and the rate."""
    tokenizer = Tokenizer.from_file(str(settings.work_dir / "tokenizer.json"))
    worker = Worker(rank, settings, tokenizer, shared, barrier)
    while True:
        worker.wait()
        step, rate = orders.tolist()
        if step < 0:
            return
        worker.step(int(step), rate)


def lead(settings: Settings) -> None:
    """Train until the clock or ``max_steps`` ends it, leaving ``checkpoint.pt`` and ``log.jsonl`` in the work folder."""
    started, used, step = time.monotonic(), 0.0, 0
    torch.manual_seed(SEED)
    tokenizer = load_or_train(settings.work_dir / "tokenizer.json", SEED)
    shape = Shape(n_vocab=tokenizer.get_vocab_size())
    shared = SharedWeights.of(Network(shape).to(settings.device), settings.dtype, settings.n_worker)
    checkpoint = settings.work_dir / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=settings.device)
        step, used = state["step"], state["seconds"]
        for name, slot in shared.slots.items():
            slot.master.copy_(state["network"][name].flatten())
            slot.weight.copy_(slot.master)
            slot.mean.copy_(state["means"][name])
            slot.square.copy_(state["squares"][name])
    orders = torch.zeros(2, dtype=torch.float64).share_memory_()
    context = torch.multiprocessing.get_context("spawn")
    barrier = context.Barrier(settings.n_worker) if settings.n_worker > 1 else None
    others = [
        context.Process(target=follow, args=(rank, settings, shared, orders, barrier), daemon=True)
        for rank in range(1, settings.n_worker)
    ]
    for process in others:
        process.start()
    worker = Worker(0, settings, tokenizer, shared, barrier)
    shapes = {name: parameter.shape for name, parameter in worker.network.named_parameters()}
    held_out = held_out_batches(tokenizer, SEED, HELD_OUT_BATCHES, settings.n_token)
    recent: list[float] = []

    def elapsed() -> float:
        return used + time.monotonic() - started

    def record() -> None:
        loss, share = held_out_loss(worker.network, held_out)
        line = {
            "step": step, "seconds": round(elapsed(), 1), "tokens": step * settings.tokens_per_step,
            "loss": round(sum(recent) / max(len(recent), 1), 4), "held_out_loss": round(loss, 4),
            "least_expert_share": round(float(share.min()), 4), "largest_expert_share": round(float(share.max()), 4),
        }  # fmt: skip
        recent.clear()
        with (settings.work_dir / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        print(line, flush=True)
        state = {
            "network": {name: slot.master.view(shapes[name]) for name, slot in shared.slots.items()},
            "means": {name: slot.mean for name, slot in shared.slots.items()},
            "squares": {name: slot.square for name, slot in shared.slots.items()},
            "shape": asdict(shape), "step": step, "seconds": elapsed(), "held_out_loss": loss,
        }  # fmt: skip
        save(checkpoint, state)

    saved_at = used
    while elapsed() < settings.limit_seconds and not (settings.max_steps and step >= settings.max_steps):
        rate = learning_rate(step, elapsed() / settings.limit_seconds)
        orders.copy_(torch.tensor([step, rate], dtype=torch.float64))
        worker.wait()
        recent.append(worker.step(step, rate))
        step += 1
        if elapsed() - saved_at > CHECKPOINT_SECONDS:
            saved_at = elapsed()
            record()
    record()
    orders[0] = -1
    worker.wait()
    for process in others:
        process.join()


def main() -> None:
    """Run the training from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=140.0, help="wall time of the whole run")
    parser.add_argument("--work-dir", type=Path, default=default_work_dir(), help="tokenizer, checkpoints, log")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=0, help="processes on a CPU (0: one for each core, at most 8)")
    parser.add_argument("--tokens-per-step", type=int, default=0, help="0: what suits the device")
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=shutil.which("g++") is not None)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps (0: the clock decides)")
    args = parser.parse_args()
    device = args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    cores = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)
    n_worker = 1 if device == "cuda" else args.workers or cores
    tokens = args.tokens_per_step or TOKENS_PER_STEP[device]
    args.work_dir.mkdir(parents=True, exist_ok=True)
    lead(
        Settings(
            args.work_dir, args.minutes * 60, device, getattr(torch, args.dtype), n_worker,
            tokens - tokens % n_worker, args.steps, args.compile,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
