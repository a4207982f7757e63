"""`offload app`: the desktop application, where it is installed."""

import argparse
import importlib.util
import sys
from typing import Any

from offload.cli.terminal import Terminal
from offload.errors import UsageError


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "app",
        help="open the desktop application: chat, with gauges of memory, hits and experts",
        description="Open the desktop application. A second start brings the first one forward.",
        allow_abbrev=False,
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="GGUF model to open; without it the last one")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Run the application until it is quit; its exit code.

    Raises:
        UsageError: Qt is not installed.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise UsageError("The application needs PySide6.", hint="Install it with: pip install 'offload[app]'")
    # Qt takes tenths of a second to import; no other command needs it.
    from offload_app.bootstrap import main

    return main([] if args.model is None else [args.model])


def start() -> int:
    """Run `offload app` with this process's arguments: the entry of the desktop's menu; the exit code."""
    # The table of commands imports this module.
    from offload.cli.main import main

    return main(["app", *sys.argv[1:]])
