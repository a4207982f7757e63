"""`offload import`: take a model that lies elsewhere into the models folder."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.bytesize import format_bytes
from offload.cli.interrupt import Interrupt
from offload.cli.named_models import add_models_dir, folder_of
from offload.cli.terminal import Terminal
from offload.errors import UsageError

_DESCRIPTION = """Take a GGUF model into the models folder, all parts of a split one, after a look at its header.
Without an option its files get a second name there, which takes no room, where both are on one disk."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "import", help="take a model file into the models folder", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("path", metavar="PATH", help="the GGUF file, or any part of a split model")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--copy", dest="way", action="store_const", const="copy", help="copy it")
    way.add_argument("--link", dest="way", action="store_const", const="link", help="link to it, from another disk too")
    way.add_argument("--move", dest="way", action="store_const", const="move", help="move it: its old name goes")
    add_models_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object at the end: path, bytes, way")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Import.

    Raises:
        ModelNotFoundError: there is no such file, or a part of the model is missing.
        ModelFileError: it is no GGUF model.
        UsageError: there is a model of that name, or how to import it is to be said.
        DiskFullError: there is no room for a copy; nothing is left behind.
        CancelledError: it was interrupted; nothing is left behind.
    """
    from offload.machine import free_disk_bytes
    from offload.model_import import ImportWay, plan_import, run_import

    folder = folder_of(args).absolute()
    plan = plan_import(Path(args.path).expanduser(), folder)
    if args.way is None and not plan.same_disk:
        needed, free = format_bytes(plan.n_bytes), format_bytes(free_disk_bytes(folder))
        raise UsageError(
            f"{args.path} is on another disk than {folder}, where it can have no second name.",
            hint=f"Use --copy (needed: {needed}; free: {free}), --move, or --link to leave the bytes where they are.",
        )
    way = ImportWay(args.way or ImportWay.LINK.value)
    with Interrupt() as interrupt:

        def on_progress(done_bytes: int, total_bytes: int) -> bool:
            terminal.progress(f"copying {plan.target.name}", done_bytes / total_bytes if total_bytes else 1.0)
            return interrupt.go_on()

        run_import(plan, way, on_progress)
    terminal.clear_progress()
    if args.json:
        fields = {"path": str(plan.target), "bytes": plan.n_bytes, "way": way.value}
        terminal.write_line(json.dumps(fields))
    else:
        terminal.write_line(str(plan.target))
    return 0
