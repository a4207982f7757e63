"""`offload fit`: whether a model fits this machine, and how fast it will be."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.cli.hub_fit import remote_card, told_once
from offload.cli.hub_model import hub_client
from offload.cli.named_models import folder_of
from offload.cli.options import add_engine, engine_config
from offload.cli.terminal import Terminal
from offload.errors import BudgetError, ModelNotFoundError, UsageError
from offload.hub.reference import HubReference
from offload.hub.repository import find_model as find_remote
from offload.model_folder import find_model

if TYPE_CHECKING:
    from offload.engine_fit import FitCard

_DESCRIPTION = """Print the memory plan of a model, the tokens a second it is expected to decode here, and the same
over a range of budgets. Only the model's header is read, from the hub for a model that is not here and is named as
USER/REPO[:QUANT]. What this machine can do is measured once, some seconds long,
and kept; what runs of the model measured is taken into account. The prediction is for short contexts."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "fit", help="tell whether a model fits, and how fast it will be", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument(
        "text", nargs="?", metavar="MODEL", help="GGUF model, a name of `offload ls`, or USER/REPO[:QUANT] of the hub"
    )
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
    card = _card(args, terminal)
    if args.json:
        terminal.write_line(json.dumps(_error(card.refusal) | card.as_dict()))
    else:
        terminal.write_line("\n".join(card.lines()))
    return card.refusal.exit_code if card.refusal is not None else 0


def _card(args: argparse.Namespace, terminal: Terminal) -> "FitCard":
    """Return the card of the model that is here, else of the hub's."""
    from offload.engine_fit import fit_model

    config, model = engine_config(args), args.model
    if args.text is not None:
        folder = folder_of(args)
        try:
            model = find_model(args.text, folder)
        except ModelNotFoundError:
            if not _is_of_hub(args.text):
                raise
            reference, client = HubReference.parse(args.text), hub_client(terminal)
            remote = find_remote(client, reference)
            return remote_card(client, remote, folder, config, terminal, probe=args.probe)
    return fit_model(model, config, probe_again=args.probe, on_measuring=told_once(terminal))


def _is_of_hub(name: str) -> bool:
    """Say whether a name that is nothing here may be that of a repository: not where it looks like a path."""
    if name.lower().endswith(".gguf") or Path(name).parent.is_dir():
        return False
    try:
        HubReference.parse(name)
    except UsageError:
        return False
    return True


def _error(refusal: BudgetError | None) -> dict[str, object]:
    if refusal is None:
        return {}
    fields = {"type": refusal.type, "message": refusal.message, "hint": refusal.hint, "numbers": dict(refusal.numbers)}
    return {"error": fields}
