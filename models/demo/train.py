"""Train the demo model: ``python -m models.demo.train --minutes 28``. PyTorch is needed here and nowhere else.

The clock is the schedule: the learning rate follows a cosine that ends when the minutes do, whatever the machine. A run
that was stopped goes on from its last checkpoint in the work folder, minutes used included.
"""

import argparse
import json
import math
import os
import time
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from models.demo.batches import Batch, held_out_batches, training_batches
from models.demo.network import Network, Shape
from models.demo.tokenizer import load_or_train

SEED = 20
TOKENS_PER_STEP = 2048
ROW_LENGTHS = ((0.0, 256), (0.6, 512), (0.9, 1024))  # from which share of the time on: short rows cost less attention
HELD_OUT_ROW_LENGTH = 512
PEAK_RATE = 1.5e-3
LAST_RATE = 1.5e-5
WARM_UP_STEPS = 100
BALANCE_WEIGHT = 0.01
Z_WEIGHT = 0.001
CHECKPOINT_SECONDS = 120


def default_work_dir() -> Path:
    """Return the folder for checkpoints: in the user's cache, never in the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "offload" / "demo-training"


def learning_rate(step: int, progress: float) -> float:
    """Return the rate at a step and a share (0 to 1) of the run's time."""
    cosine = LAST_RATE + (PEAK_RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return cosine * min(1.0, (step + 1) / WARM_UP_STEPS)


def weighted_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Return the mean negative log-likelihood (nats per token) under the batch's weights."""
    targets = torch.from_numpy(batch.ids[:, 1:]).reshape(-1)
    weights = torch.from_numpy(batch.weights).reshape(-1)
    each = F.cross_entropy(logits.flatten(0, 1).float(), targets, reduction="none")
    return (each * weights).sum() / weights.sum()


def optimizer_for(network: Network) -> torch.optim.Optimizer:
    """Return AdamW with weight decay on matrices alone."""
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95), fused=True)


@torch.no_grad()
def held_out_loss(network: Network, batches: list[Batch], dtype: torch.dtype) -> tuple[float, list[list[float]]]:
    """Return the loss on held-out answers and, per layer, the share of the work of each expert."""
    losses, shares = [], []
    for batch in batches:
        logits, router = network(torch.from_numpy(batch.ids[:, :-1]), dtype)
        losses.append(float(weighted_loss(logits, batch)))
        shares.append(torch.stack(router.share))
    mean = torch.stack(shares).mean(0)
    return sum(losses) / len(losses), [[float(share) for share in layer] for layer in mean]


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint so that the old one stays until the new one is whole."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def main() -> None:
    """Run the training from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=28.0, help="wall time of the whole run")
    parser.add_argument("--work-dir", type=Path, default=default_work_dir(), help="tokenizer, checkpoints, log")
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps (0: the clock decides)")
    args = parser.parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    run(args.work_dir, args.minutes * 60, getattr(torch, args.dtype), args.steps)


def run(work_dir: Path, limit_seconds: float, dtype: torch.dtype, max_steps: int) -> None:
    """Train until the clock or ``max_steps`` ends it, leaving ``checkpoint.pt`` and ``log.jsonl`` in ``work_dir``."""
    started = time.monotonic()
    torch.manual_seed(SEED)
    tokenizer = load_or_train(work_dir / "tokenizer.json", SEED)
    shape = Shape(n_vocab=tokenizer.get_vocab_size())
    network = Network(shape)
    optimizer = optimizer_for(network)
    checkpoint, step, used = work_dir / "checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, used = state["step"], state["seconds"]
    held_out = held_out_batches(tokenizer, SEED, 4, HELD_OUT_ROW_LENGTH, 4)
    batches = {
        n_token: training_batches(
            tokenizer, 1_000_000 * (step + 1) + n_token * 100, TOKENS_PER_STEP // n_token, n_token
        )
        for _, n_token in ROW_LENGTHS
    }
    recent: list[float] = []
    saved_at = used

    def elapsed() -> float:
        return used + time.monotonic() - started

    def record() -> None:
        loss, shares = held_out_loss(network, held_out, dtype)
        line = {
            "step": step, "seconds": round(elapsed(), 1), "tokens": step * TOKENS_PER_STEP,
            "loss": round(sum(recent) / max(len(recent), 1), 4), "held_out_loss": round(loss, 4),
            "least_expert_share": round(min(map(min, shares)), 4), "largest_expert_share": round(max(map(max, shares)), 4),
        }  # fmt: skip
        recent.clear()
        with (work_dir / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        print(line, flush=True)
        save(
            checkpoint,
            {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "shape": asdict(shape),
                "step": step,
                "seconds": elapsed(),
                "held_out_loss": loss,
            },
        )

    while elapsed() < limit_seconds and not (max_steps and step >= max_steps):
        progress = elapsed() / limit_seconds
        batch = next(batches[max(n_token for start, n_token in ROW_LENGTHS if progress >= start)])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, progress)
        logits, router = network(torch.from_numpy(batch.ids[:, :-1]), dtype)
        loss = weighted_loss(logits, batch)
        (loss + BALANCE_WEIGHT * router.balance + Z_WEIGHT * router.z).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.item())
        step += 1
        if elapsed() - saved_at > CHECKPOINT_SECONDS:
            saved_at = elapsed()
            record()
    record()


if __name__ == "__main__":
    main()
