"""`offload verify`: check every record of a packed store."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.cli.interrupt import Interrupt
from offload.cli.terminal import Terminal
from offload.errors import ModelFileError

_SHOWN = 10


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify",
        help="check every record of a packed store",
        description="Read a packed store and check every record against its checksum.",
        allow_abbrev=False,
    )
    parser.add_argument("store", metavar="FILE", help="the packed store")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end: file, damaged")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Verify.

    Raises:
        ModelFileError: it is no packed store, or records of it are damaged.
        CancelledError: it was interrupted.
    """
    from offload.engine import verify_store

    path = Path(args.store)
    with Interrupt() as interrupt:

        def on_progress(done_bytes: int, total_bytes: int) -> bool:
            terminal.progress(f"checking {path.name}", done_bytes / total_bytes if total_bytes else 1.0)
            return interrupt.go_on()

        damaged = verify_store(path, on_progress=on_progress)
    terminal.clear_progress()
    if damaged:
        named = ", ".join(f"layer {key.layer} expert {key.expert}" for key in damaged[:_SHOWN])
        more = f" and {len(damaged) - _SHOWN} more" if len(damaged) > _SHOWN else ""
        raise ModelFileError(
            f"{len(damaged)} damaged records: {named}{more}.", file=path, hint="Pack the model again with --force."
        )
    if args.json:
        terminal.write_line(json.dumps({"file": str(path), "damaged": []}))
    else:
        terminal.say(f"{path}: every record is whole")
    return 0
