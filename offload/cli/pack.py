"""`offload pack`: lay a model's experts out for fast reading, in a store beside it."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.bytesize import format_bytes
from offload.cli.interrupt import Interrupt
from offload.cli.terminal import Terminal
from offload.errors import UsageError

_DESCRIPTION = """Write a packed store: every expert in one aligned record, in the layout this processor computes with
fastest. It needs as much disk as the model's experts, is found by itself when it lies beside the model, and appears
under its name only once it is complete."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "pack", help="write a packed store of a model", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("model", metavar="MODEL", nargs="?", help="GGUF model; same as -m")
    parser.add_argument("-m", "--model", dest="model_option", metavar="FILE", help="GGUF model")
    parser.add_argument("-o", "--output", metavar="FILE", help="the store (default: beside the model)")
    parser.add_argument(
        "--layout", choices=["interleaved", "plain"], default="interleaved",
        help="interleaved: faster to generate with; plain: the GGUF's own rows, faster for long prompts",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a store that is already there")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end: output, bytes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Pack.

    Raises:
        UsageError: the store is there already, or no model is named.
        DiskFullError: there is not enough room; nothing is left behind.
        CancelledError: it was interrupted; nothing is left under the store's name.
        OffloadError: of the model.
    """
    model = args.model if args.model is not None else args.model_option
    if model is None or (args.model is not None and args.model_option is not None):
        raise UsageError("pack takes one model.", hint="See offload pack --help.")
    from offload.engine import pack_model

    with Interrupt() as interrupt:

        def on_progress(done_bytes: int, total_bytes: int) -> bool:
            terminal.progress(f"packing {Path(model).name}", done_bytes / total_bytes if total_bytes else 1.0)
            return interrupt.go_on()

        output = pack_model(
            Path(model),
            Path(args.output) if args.output else None,
            layout=args.layout,
            force=args.force,
            on_progress=on_progress,
        )
    terminal.clear_progress()
    n_bytes = output.stat().st_size
    if args.json:
        terminal.write_line(json.dumps({"output": str(output), "bytes": n_bytes}))
    else:
        terminal.say(f"{output}: {format_bytes(n_bytes)}")
    return 0
