"""Paged experts on a GPU beside plain llama.cpp there, in turn, each run a fresh process: gates first, then speeds.

Exit codes: 0 all ran and what must be equal is (whatever the speed), 1 something broke or differs, 2 usage,
130 interrupted.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.gpu_contenders import GpuContender, GpuRun, Sizes, Way, command, contenders, n_cpu_moe, slots_of_share
from bench.gpu_report import disagreements, of_whole, table_lines, verdicts
from bench.measurement import Workload, read_line
from bench.memory_group import LIMIT_FACTOR, memory_group
from bench.page_cache import drop_page_cache
from bench.rounds import Rounds, add_options, output_of, reported, say, synthetic_model
from offload.bytesize import format_bytes, parse_bytes
from offload.config import EngineConfig, StoreChoice
from offload.engine_needs import EngineNeeds
from offload.errors import UsageError
from offload.experts.racks import device_racks
from offload.ggml.devices import ComputeDevice, choose_device, list_devices
from offload.machine import machine_memory

_TESTS = Path(__file__).resolve().parent.parent
_MEMORY_SHARE = 0.9
"""Of the machine's memory, what a process may have whose experts are all in RAM."""
_LIMITED_SHARE = 0.5
"""Of the experts, what fits RAM where it is limited."""


@dataclass(frozen=True, slots=True)
class GpuPlan:
    """What is to be measured, and within what."""

    model: Path
    files: tuple[Path, ...]
    device: ComputeDevice
    sizes: Sizes
    contenders: tuple[GpuContender, ...]
    n_rounds: int
    work: Workload
    limit_bytes: int
    timeout_seconds: float

    @property
    def is_gpu(self) -> bool:
        """Return whether it is no processor that computes in the place of a GPU."""
        return not self.device.is_stand_in and "llvmpipe" not in self.device.description

    def limit_of(self, contender: GpuContender) -> int | None:
        """Return the limit of a contender's memory; of a device without memory of its own, that is its too."""
        if not contender.way.is_limited:
            return None
        shares_memory = not self.is_gpu or self.device.shares_memory
        return self.limit_bytes + (max(self.sizes.vram_bytes.values()) if shares_memory else 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gates, measure, print the table and the verdicts."""
    options = _parser().parse_args(arguments)
    return reported(lambda: _compare(options))


def _compare(options: argparse.Namespace) -> int:
    device = choose_device(options.device, list_devices())
    if device is None:
        raise UsageError("There is no GPU here.", hint="Build llama.cpp for one (gpu.sh), or name --device.")
    failures = [] if options.no_gates else _gates(device)
    plan = _plan(options, device)
    rounds = Rounds(plan.contenders, lambda contender: contender.name, plan.n_rounds)
    runs, broken = rounds.run(lambda contender, number: _run_one(plan, contender, number))
    failures += [*broken, *disagreements(runs)]
    if options.json:
        print(json.dumps(_as_json(plan, runs, failures)))
    else:
        _show(plan, runs, failures, gates_ran=not options.no_gates)
    return 1 if failures else 0


def _gates(device: ComputeDevice) -> list[str]:
    """Run the tests that hold paged experts on this device against plain llama.cpp; return what failed."""
    tests = "gates/test_same_logits_on_a_device.py" if device.is_stand_in else "vulkan"
    say(f"gates on {device.name}: pytest tests/{tests}")
    environment = os.environ | {"OFFLOAD_GATES_DEVICE": device.name}
    command_line = [sys.executable, "-m", "pytest", "-q", "--timeout", "600", str(_TESTS / tests)]
    status = subprocess.run(command_line, env=environment, cwd=_TESTS.parent, stdout=sys.stderr, check=False).returncode
    return [f"gates on {device.name}: pytest ended with {status}"] if status else []


def _run_one(plan: GpuPlan, contender: GpuContender, number: int) -> GpuRun:
    line = [*command(contender, plan.sizes), "--model", str(plan.model), *plan.work.arguments()]
    if contender.way.is_limited:
        drop_page_cache(plan.files)
    with memory_group(plan.limit_of(contender)) as group:
        output = output_of(group.command(line) if group is not None else line, plan.timeout_seconds)
    return GpuRun(contender, number, read_line(output.splitlines()))


def _plan(options: argparse.Namespace, device: ComputeDevice) -> GpuPlan:
    """Build the model if none is named, and share the memory out. Raises OffloadError."""
    try:
        work = Workload(options.prefill, options.tokens, options.ctx, options.threads, second_prefill=False)
        shares = [float(text.rstrip("%")) / 100 for text in options.shares]
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    model = options.model if options.model is not None else synthetic_model()
    config = EngineConfig(n_ctx=work.n_ctx, store=StoreChoice.GGUF, device=options.device, vram=device.total_bytes)
    needs = EngineNeeds(model, config)
    assert needs.device_needs is not None
    header, fixed_bytes = needs.header, needs.device_needs.fixed_bytes
    all_bytes = sum(tensor.info.n_bytes for tensor in header.expert_tensors)
    vram_bytes = {share: fixed_bytes + _slot_bytes(needs, share) for share in shares}
    limited = options.limited
    limited_bytes = parse_bytes(limited) if limited else needs.floor_bytes + round(_LIMITED_SHARE * all_bytes)
    of_layer = [
        sum(tensor.info.n_bytes for tensor in header.expert_tensors if tensor.layer == layer)
        for layer in range(header.count("block_count") or 0)
    ]
    sizes = Sizes(
        device=options.device,
        memory_bytes=min(round(_MEMORY_SHARE * machine_memory().total_bytes), needs.whole_bytes + all_bytes // 4),
        limited_bytes=limited_bytes,
        vram_bytes=vram_bytes,
        n_cpu_moe={share: n_cpu_moe(of_layer, budget - fixed_bytes) for share, budget in vram_bytes.items()},
    )
    only = {Way[name.upper()] for name in options.only} if options.only else set(Way)
    whole_fits = fixed_bytes + all_bytes <= device.free_bytes
    return GpuPlan(
        model=header.files[0],
        files=header.files,
        device=device,
        sizes=sizes,
        contenders=tuple(one for one in contenders(shares, whole_fits=whole_fits) if one.way in only),
        n_rounds=max(1, options.runs),
        work=work,
        limit_bytes=round(limited_bytes * LIMIT_FACTOR),
        timeout_seconds=options.timeout,
    )


def _slot_bytes(needs: EngineNeeds, share: float) -> int:
    """Return what slots for that share of the experts take of a device, and staging beside them."""
    layers, n_used = needs.needs.layers, needs.header.n_expert_used
    capacity = {layer: slots_of_share(share, layout.n_expert, n_used) for layer, layout in layers.items()}
    staged = any(capacity[layer] < layout.n_expert for layer, layout in layers.items())
    return sum(rack.n_bytes for rack in device_racks(layers, capacity, staged=staged))


def _show(plan: GpuPlan, runs: Sequence[GpuRun], failures: Sequence[str], *, gates_ran: bool) -> None:
    work, sizes, device = plan.work, plan.sizes, plan.device
    print(
        f"{plan.model.name} on {device.name} ({device.description}): {plan.n_rounds} rounds, {work.n_threads} threads,"
    )
    print(f"{work.n_prefill} tokens of prefill, {work.n_decode} decoded, speed over the second half of them.")
    if not plan.is_gpu:
        print("The processor computes here in the place of a GPU: the numbers mean nothing, the equality does.")
    for share, vram in sizes.vram_bytes.items():
        print(f"{share:.0%} of the experts: {format_bytes(vram)} of the device, --n-cpu-moe {sizes.n_cpu_moe[share]}")
    with memory_group(plan.limit_bytes) as group:
        kept = "by memory cgroup" if group is not None else "NOT KEPT: this user may not make memory cgroups here"
    print(
        f"All experts in RAM: {format_bytes(sizes.memory_bytes)}; limited: {format_bytes(sizes.limited_bytes)}, {kept}."
    )
    if runs:
        # What a processor in the place of a GPU reaches is neither: the ratio is shown, and not judged.
        judged = [found.line if plan.is_gpu else f"----{found.line[4:]}" for found in verdicts(runs)]
        print("", *table_lines(runs), "", *judged, "", *of_whole(runs), sep="\n")
    equal = "Copied experts gave the logits of all on the GPU, bit for bit."
    untold = "All on the GPU was not measured: whether copied experts give its logits the gates alone say."
    measured = any(contender.share is None and contender.way.computes_all_on_gpu for contender in plan.contenders)
    gates = f"Gates on {device.name}: passed." if gates_ran else "Gates: left out."
    print("", *(failures or [equal if measured else untold, gates]), sep="\n")


def _as_json(plan: GpuPlan, runs: Sequence[GpuRun], failures: Sequence[str]) -> dict[str, object]:
    return {
        "model": str(plan.model),
        "device": plan.device.description,
        "is_gpu": plan.is_gpu,
        "sizes": asdict(plan.sizes),
        "workload": asdict(plan.work),
        "runs": [asdict(run) | {"contender": run.contender.name} for run in runs],
        "verdicts": [asdict(found) | {"passed": found.passed} for found in verdicts(runs)],
        "failures": list(failures),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    add_options(parser, n_decode=128)
    parser.add_argument("--device", default="auto", help="as of `offload generate`, default %(default)s")
    parser.add_argument(
        "--shares",
        nargs="+",
        default=["25%", "50%"],
        metavar="SHARE",
        help="of the experts in the GPU's memory, default 25%% 50%%",
    )
    ways = [way.name.lower() for way in Way]
    parser.add_argument("--only", nargs="+", choices=ways, metavar="WAY", help=f"of {', '.join(ways)}")
    parser.add_argument("--limited", help="budget where RAM is limited, default half of the experts")
    parser.add_argument("--no-gates", action="store_true", help="measure alone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
