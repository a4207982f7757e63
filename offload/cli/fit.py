"""`offload fit`: whether a model fits this machine, and how fast it will be."""

import argparse
import json
from typing import Any

from offload.cli.options import add_engine, engine_config
from offload.cli.terminal import Terminal
from offload.errors import BudgetError, UsageError

_DESCRIPTION = """Print the memory plan of a model, the tokens a second it is expected to decode here, and the same
over a range of budgets. Only the model's header is read. What this machine can do is measured once, some seconds long,
and kept; what runs of the model measured is taken into account. The prediction is for short contexts."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fit", help="tell whether a model fits, and how fast it will be", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("text", nargs="?", metavar="MODEL", help="GGUF model; same as -m")
    parser.add_argument("--probe", action="store_true", help="measure this machine again")
    parser.add_argument("--json", action="store_true", help="all numbers as one JSON object")
    add_engine(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Print the card; the exit code of a BudgetError where the budget is below the floor.

    Raises:
        OffloadError: of the options or the model.
    """
    if args.text is not None and args.model is not None:
        raise UsageError("More than one model is given.", hint="Use one of MODEL and -m.")
    from offload.engine_fit import fit_model

    told: set[str] = set()

    def on_measuring(what: str) -> None:
        if what not in told:
            told.add(what)
            terminal.say(terminal.dim(f"measuring {what} ..."))

    model = args.text if args.text is not None else args.model
    card = fit_model(model, engine_config(args), probe_again=args.probe, on_measuring=on_measuring)
    if args.json:
        terminal.write_line(json.dumps(_error(card.refusal) | card.as_dict()))
    else:
        terminal.write_line("\n".join(card.lines()))
    return card.refusal.exit_code if card.refusal is not None else 0


def _error(refusal: BudgetError | None) -> dict[str, object]:
    if refusal is None:
        return {}
    fields = {"type": refusal.type, "message": refusal.message, "hint": refusal.hint, "numbers": dict(refusal.numbers)}
    return {"error": fields}
