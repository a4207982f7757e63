"""`offload verify`: check the bytes of a model file, or every record of a packed store."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.cli.named_models import add_models_dir, folder_of
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line
from offload.cli.verify_store import check_store
from offload.errors import ModelNotFoundError
from offload.model_folder import find_model

_MAGIC = b"GGUF"
_DESCRIPTION = """Check a model: its header, that every tensor lies inside its files, the SHA-256 of each file against
that of its download or of the catalogue, and the packed store beside it. Or a packed store alone, every record."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "verify", help="check a model, or a packed store", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument(
        "target", metavar="MODEL|STORE", help="a path, a name as `offload ls` shows it, or a packed store"
    )
    add_models_dir(parser)
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end: file, damaged; of a model: files"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Verify.

    Raises:
        ModelNotFoundError: there is neither a model nor a packed store of that name.
        ModelFileError: it is neither, or bytes of it are damaged.
        UsageError: the name could mean several models.
        CancelledError: it was interrupted.
    """
    try:
        path = find_model(args.target, folder_of(args))
    except ModelNotFoundError:
        if not Path(args.target).suffix:
            raise
        # A path, of which the engine says what is wrong with it.
        path = Path(args.target)
    if not _is_model(path):
        _verify_store(path, args, terminal)
        return 0
    # What it takes to read headers is not waited for by other commands.
    from offload.cli.verify_model import verify_model

    verify_model(path, terminal, as_json=args.json)
    return 0


def _is_model(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC or path.suffix.lower() == ".gguf"
    except OSError:
        return path.suffix.lower() == ".gguf"


def _verify_store(path: Path, args: argparse.Namespace, terminal: Terminal) -> None:
    check_store(path, terminal)
    if args.json:
        terminal.write_line(json.dumps({"file": str(path), "damaged": []}))
    else:
        terminal.say(f"{one_line(str(path))}: every record is whole")
