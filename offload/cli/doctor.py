"""`offload doctor`: what this machine and this installation are like."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.cli.options import add_model
from offload.cli.terminal import Terminal
from offload.diagnosis import Diagnosis, Health, diagnose
from offload.protocol_json import to_json

_SIGNS = {Health.GOOD: "ok", Health.REMARK: "note", Health.BAD: "BAD"}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="check the installation and measure the machine",
        description="Show versions, the native library's checks, processor, memory, devices and disk. Exits with 1 if "
        "something is broken.",
        allow_abbrev=False,
    )
    add_model(parser)
    parser.add_argument(
        "place", nargs="?", metavar="FOLDER", help="measure the disk of this folder (default: the model's, or this one)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object: good, findings")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Diagnose; 1 where something is bad."""
    diagnosis = diagnose(Path(args.place or args.model or "."))
    show(diagnosis, terminal, as_json=args.json)
    return 0 if diagnosis.is_good else 1


def show(diagnosis: Diagnosis, terminal: Terminal, *, as_json: bool) -> None:
    """Write the findings to standard output."""
    if as_json:
        terminal.write_line(json.dumps({"good": diagnosis.is_good, "findings": to_json(diagnosis.findings)}))
        return
    width = max(len(finding.topic) for finding in diagnosis.findings)
    for finding in diagnosis.findings:
        terminal.write_line(f"{_SIGNS[finding.health]:>4}  {finding.topic:<{width}}  {finding.text}")
