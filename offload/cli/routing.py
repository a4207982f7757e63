"""`offload routing`: what a trace says of a model's routing, and what a cache can make of it."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offload.cli.terminal import Terminal
from offload.errors import OffloadError


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "routing",
        help="judge a routing trace",
        description="Say, layer by layer, how evenly the experts of a trace are used, what forecasts them, and what "
        "hit rates caches of several sizes have.",
        allow_abbrev=False,
    )
    parser.add_argument("trace", metavar="TRACE", help="a .routes file, or a CSV of route_trace v1")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.add_argument("--svg", metavar="FILE", help="draw load and hit rates into this file too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Report.

    Raises:
        TraceFileError: it is no trace that can be read.
        OffloadError: the picture cannot be written.
    """
    from offload.cli.routing_table import report_lines
    from offload.routing.figure import draw_report
    from offload.routing.open_trace import open_trace
    from offload.routing.published import KNOWN_FIGURES
    from offload.routing.report import routing_report

    report = routing_report(open_trace(Path(args.trace), inputs=False))
    if args.svg:
        try:
            Path(args.svg).write_text(draw_report(report), encoding="utf-8")
        except OSError as error:
            raise OffloadError(
                f"{args.svg} could not be written: {error.strerror or error}.",
                hint="Choose a folder that can be written to.",
                file=args.svg,
            ) from error
    if args.json:
        known = [asdict(figure) for figure in KNOWN_FIGURES]
        terminal.write_line(json.dumps({**asdict(report), "known_of_others": known}))
    else:
        terminal.write_line("\n".join(report_lines(report)))
    return 0
