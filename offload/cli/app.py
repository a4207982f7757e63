"""`offload app`: the desktop application, where it is installed."""

import argparse
import importlib.util
from typing import Any

from offload.cli.terminal import Terminal
from offload.errors import UsageError

EXIT_FAILED = 1


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "app",
        help="open the desktop application: chat, with gauges of memory, hits and experts",
        description="Open the desktop application. A second start brings the first one forward.",
        allow_abbrev=False,
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="GGUF model to open; without it the last one")
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="open the window, have the demo model answer once, look at the gauges, close; 0, or one sentence and 1",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Run the application until it is quit; its exit code.

    Raises:
        UsageError: Qt is not installed.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise UsageError("The application needs PySide6.", hint="Install it with: pip install 'offload[app]'")
    if args.self_test:
        from offload_app.self_test import run_self_test

        failure = run_self_test()
        if failure:
            terminal.complain(failure)
        return EXIT_FAILED if failure else 0
    # Qt takes tenths of a second to import; no other command needs it.
    from offload_app.bootstrap import main

    return main([] if args.model is None else [args.model])
