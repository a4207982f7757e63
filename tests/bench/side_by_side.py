"""Plain llama.cpp and `offload` side by side, in turn, each run a fresh process in a memory cgroup of its own.

Exit codes: 0 all ran and all answers agree (whatever the speed), 1 something broke or answers differ, 2 usage,
130 interrupted.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.contenders import Contender, Part, Run
from bench.measurement import Workload, read_line
from bench.memory_group import LIMIT_FACTOR, memory_group
from bench.page_cache import drop_page_cache
from bench.report import disagreements, table_lines, verdicts
from bench.rounds import Rounds, add_options, output_of, reported, say, synthetic_model
from offload.bytesize import format_bytes, parse_bytes
from offload.engine import pack_model
from offload.errors import UsageError
from offload.experts.packed_store import packed_path_for
from offload.gguf_header import read_gguf_header
from offload.machine import machine_memory

_ROOM_BYTES = 4 << 30
"""What the contender with everything resident gets beyond the weights: more than runtime, cache and buffers take."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and within what."""

    model: Path
    files: tuple[Path, ...]
    parts: tuple[Part, ...]
    n_rounds: int
    budget_bytes: int
    limit_bytes: int
    resident_bytes: int
    """The budget of the contender that has everything resident."""
    work: Workload
    n_mmap_decode: int
    timeout_seconds: float

    @property
    def contenders(self) -> list[Contender]:
        """Return who takes part, in the order they run."""
        return [contender for contender in Contender if any(contender in part.contenders for part in self.parts)]

    def work_of(self, contender: Contender) -> Workload:
        """Return what one contender computes."""
        parts = [part for part in self.parts if contender in part.contenders]
        n_decode = self.work.n_decode if contender is not Contender.MMAP else self.n_mmap_decode
        return replace(
            self.work,
            n_decode=n_decode if any(part.decodes for part in parts) else 1,
            second_prefill=any(part.prefills_twice for part in parts),
            rehearsal=Part.RESIDENT in parts,
        )


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what the runs were made, in words."""

    limit: str
    page_cache: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and the verdicts."""
    options = _parser().parse_args(arguments)
    return reported(lambda: _compare(options))


def _compare(options: argparse.Namespace) -> int:
    plan = _plan(options)
    conditions = _conditions(plan)
    rounds = Rounds(plan.contenders, lambda contender: contender.value, plan.n_rounds)
    runs, failures = rounds.run(lambda contender, number: _run_one(plan, contender, number))
    failures += disagreements(runs)
    if options.json:
        print(json.dumps(_as_json(plan, runs, conditions, failures)))
    else:
        _show(plan, runs, conditions, failures)
    return 1 if failures else 0


def _run_one(plan: Plan, contender: Contender, number: int) -> Run:
    command = contender.command(plan.budget_bytes, plan.resident_bytes)
    command += ["--model", str(plan.model), *plan.work_of(contender).arguments()]
    drop_page_cache(plan.files)
    with memory_group(plan.limit_bytes if contender.is_limited else None) as group:
        started_at = time.time()
        output = output_of(group.command(command) if group is not None else command, plan.timeout_seconds)
        group_peak_bytes = group.peak_bytes() if group is not None else None
    measurement = read_line(output.splitlines())
    return Run(contender, number, measurement, measurement.first_token_at - started_at, group_peak_bytes)


def _conditions(plan: Plan) -> Conditions:
    """Find out what this user may do."""
    with memory_group(plan.limit_bytes) as group:
        limit = "by memory cgroup" if group is not None else "NOT KEPT: this user may not make memory cgroups here"
    return Conditions(limit, drop_page_cache(plan.files))


def _plan(options: argparse.Namespace) -> Plan:
    """Build what is missing, the model and its packed store, and lay out the work. Raises OffloadError."""
    try:
        work = Workload(options.prefill, options.tokens, options.ctx, options.threads)
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    budget_bytes = parse_bytes(options.memory)
    limit_bytes = parse_bytes(options.limit) if options.limit else round(budget_bytes * LIMIT_FACTOR)
    if limit_bytes < budget_bytes:
        raise UsageError(f"The limit {options.limit} is below the budget {options.memory}.", hint="Raise --limit.")
    model = options.model if options.model is not None else synthetic_model()
    header = read_gguf_header(model)
    parts = tuple(Part) if options.only is None else (Part(options.only),)
    packed = packed_path_for(header.files[0])
    if not packed.is_file():
        say(f"packing {model}")
        pack_model(model)
    resident_bytes = header.total_bytes * 5 // 4 + _ROOM_BYTES
    available_bytes = machine_memory().available_bytes
    if available_bytes < resident_bytes and any(not c.is_limited for part in parts for c in part.contenders):
        say(f"only {format_bytes(available_bytes)} are free: what has everything resident may fail or swap")
    return Plan(
        model=header.files[0],
        files=(*header.files, packed),
        parts=parts,
        n_rounds=max(1, options.runs),
        budget_bytes=budget_bytes,
        limit_bytes=limit_bytes,
        resident_bytes=resident_bytes,
        work=work,
        n_mmap_decode=max(1, min(options.mmap_tokens, options.tokens)),
        timeout_seconds=options.timeout,
    )


def _show(plan: Plan, runs: Sequence[Run], conditions: Conditions, failures: Sequence[str]) -> None:
    work, budget, limit = plan.work, format_bytes(plan.budget_bytes), format_bytes(plan.limit_bytes)
    print(f"{plan.model.name}: {plan.n_rounds} rounds, {work.n_threads} threads, {work.n_prefill} tokens of prefill,")
    print(f"{work.n_decode} decoded (mmap: {plan.n_mmap_decode}), speed over the second half of them.")
    print(f"Budget {budget}; limit {limit}, {conditions.limit}; page cache {conditions.page_cache}.")
    if runs:
        print("", *table_lines(runs), "", *(verdict.line for verdict in verdicts(runs, plan.budget_bytes)), sep="\n")
    print("", *(failures or ["All contenders of one layout answered alike, bit for bit."]), sep="\n")


def _as_json(plan: Plan, runs: Sequence[Run], conditions: Conditions, failures: Sequence[str]) -> dict[str, object]:
    return {
        "model": str(plan.model),
        "budget_bytes": plan.budget_bytes,
        "limit_bytes": plan.limit_bytes,
        "n_rounds": plan.n_rounds,
        "conditions": asdict(conditions),
        "workload": asdict(plan.work) | {"n_mmap_decode": plan.n_mmap_decode},
        "runs": [asdict(run) | {"contender": run.contender.value} for run in runs],
        "verdicts": [asdict(found) | {"passed": found.passed} for found in verdicts(runs, plan.budget_bytes)],
        "failures": list(failures),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add_options(parser, n_decode=64)
    parser.add_argument("--memory", default="4500M", help="budget of offload, default %(default)s")
    parser.add_argument("--limit", help="of the memory cgroup, default 2.4 %% above the budget")
    parser.add_argument("--only", choices=[part.value for part in Part], help="one part of the benchmark")
    parser.add_argument("--mmap-tokens", type=int, default=12, metavar="N", help="decoded by mmap, default %(default)s")
    return parser
