"""`offload rm`: remove models, with what lies beside them."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.bytesize import format_bytes
from offload.cli.assent import ask
from offload.cli.named_models import add_models_dir, folder_of
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line, table_lines
from offload.errors import CancelledError, UsageError
from offload.model_folder import DEMO, EntryState, FolderEntry, ModelFolder, find_entry, find_model, list_folder

if TYPE_CHECKING:
    from offload.model_removal import RemovedFile

_DESCRIPTION = """Remove models: their files, packed stores, what forecasters learnt of them, and what is left of their
downloads. The files are listed and asked about. Where a model is a link, the link goes and the file stays."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("rm", help="remove models", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        "names",
        metavar="MODEL",
        nargs="+",
        help="a name as `offload ls` shows it; a path for a model that lies elsewhere",
    )
    parser.add_argument("--packed", action="store_true", help="the packed store alone: the model stays")
    parser.add_argument("-y", "--yes", action="store_true", help="remove without asking")
    add_models_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object at the end: removed, freed_bytes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Remove.

    Raises:
        ModelNotFoundError: there is no such model; nothing is removed.
        UsageError: a name could mean several models, there is nothing to remove, or nobody can be asked.
        CancelledError: the answer was no.
        OffloadError: a file cannot be removed.
    """
    from offload.model_removal import Removal, plan_removal, remove

    # Paths are compared as the system sees them, whichever links they were written with.
    folder = list_folder(folder_of(args).resolve())
    entries = [_entry(name, folder) for name in args.names]
    plans = [plan_removal(entry, folder, packed_only=args.packed) for entry in entries]
    removal = Removal(tuple(dict.fromkeys(file for plan in plans for file in plan.files)))
    if not removal.files:
        raise UsageError("There is no packed store to remove.", hint="`offload ls` shows which models have one.")
    for line in table_lines((f.kind.value, _freed(f), str(f.path)) for f in removal.files):
        terminal.say(line)
    outside = [entry for entry in entries if folder.path not in entry.path.absolute().parents]
    for entry in outside:
        terminal.say(f"{one_line(str(entry.path))} lies outside of the models folder {one_line(str(folder.path))}.")
    freed = format_bytes(removal.freed_bytes)
    what = f"{len(removal.files)} file{'s' if len(removal.files) > 1 else ''}"
    if not args.yes and not ask(terminal, f"Remove {what} and free {freed}?", default=False):
        raise CancelledError("Nothing was changed.")
    remove(removal, folder.path)
    if args.json:
        removed = [{"path": str(f.path), "kind": f.kind.value, "freed_bytes": f.freed_bytes} for f in removal.files]
        terminal.write_line(json.dumps({"removed": removed, "freed_bytes": removal.freed_bytes}))
    else:
        terminal.say(f"{what} removed, {freed} freed.")
    return 0


def _freed(file: "RemovedFile") -> str:
    return format_bytes(file.freed_bytes) if file.freed_bytes else "stays elsewhere"


def _entry(name: str, folder: ModelFolder) -> FolderEntry:
    """Return the model of that name; one that lies elsewhere is meant only by its path.

    Raises:
        ModelNotFoundError: there is none.
        UsageError: the name could mean several, or is that of a folder or of a file that is no model.
    """
    path = Path(name).expanduser().absolute()
    path = path.parent.resolve() / path.name
    of_path = [entry for entry in folder.entries if path in entry.files]
    if of_path:
        return of_path[0]
    if not path.exists() and not path.is_symlink():
        of_name = find_entry(name, folder) if name != DEMO else None
        if of_name is not None:
            return of_name
        path = find_model(name, folder.path)
    elif path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name the models: only they are removed.")
    for entry in list_folder(path.parent).entries:
        if path in entry.files and entry.state in (EntryState.WHOLE, EntryState.INCOMPLETE, EntryState.DAMAGED):
            return entry
    raise UsageError(f"{path} is no model.", hint="Only models are removed, with what belongs to them.")
