"""`offload plan`: who gets which bytes, before anything is loaded."""

import argparse
import json
from typing import Any

from offload.cli.options import add_engine, engine_config
from offload.cli.terminal import Terminal


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "plan",
        help="print the memory plan of a model",
        description="Print who gets which bytes of the memory budget. Only the model's header is read.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="the plan as one JSON object, in bytes")
    add_engine(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Print the plan.

    Raises:
        BudgetError: the model does not fit the budget.
        OffloadError: of the options or the model.
    """
    from offload.engine import plan_model

    plan = plan_model(args.model, engine_config(args))
    if args.json:
        terminal.write_line(json.dumps(plan.as_dict()))
    else:
        terminal.write_line("\n".join(plan.lines()))
    return 0
