"""`offload ls`: the models that are here, and with --catalog those that are worth getting."""

import argparse
import json
from pathlib import Path
from typing import Any

from offload.bytesize import format_bytes
from offload.cli.named_models import add_models_dir, folder_of
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line, table_lines
from offload.errors import OffloadError
from offload.hub.origin import read_origin
from offload.model_folder import LOCAL, EntryState, FolderEntry, ModelFolder, is_older_demo, list_folder
from offload.model_summary import ModelSummary, PackState

_HEADINGS = ("NAME", "QUANT", "SIZE", "ARCHITECTURE", "EXPERTS", "PACKED", "FROM")
_PACKED = {
    PackState.NONE: "no",
    PackState.READY: "yes",
    PackState.STALE: "stale",
    PackState.DENSE: "-",
}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "ls",
        help="list the models that are here, or those of the catalogue",
        description="List the models of the models folder. A name of this list is a name for -m.",
        allow_abbrev=False,
    )
    parser.add_argument("--catalog", action="store_true", help="a choice of Mixture-of-Experts models to pull")
    add_models_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object: folder, models, unreadable_folders")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """List.

    Raises:
        OffloadError: the catalogue of this installation is damaged.
    """
    folder = list_folder(folder_of(args).absolute())
    if args.catalog:
        from offload.cli.catalog_table import show_catalog

        show_catalog(folder, terminal, as_json=args.json)
        return 0
    summaries = {entry.path: _summary(entry) for entry in folder.models}
    if args.json:
        terminal.write_line(json.dumps(_as_json(folder, summaries)))
        return 0
    for unreadable in folder.unreadable:
        terminal.complain(f"{one_line(str(unreadable.path))} cannot be listed: {unreadable.reason}.", "warning")
    if not folder.entries:
        terminal.say(f"There are no models in {one_line(str(folder.path))} yet: see `offload ls --catalog`.")
        return 0
    rows = [
        _row(entry, summary) for entry in folder.models if isinstance(summary := summaries[entry.path], ModelSummary)
    ]
    for line in table_lines([_HEADINGS, *rows]) if rows else []:
        terminal.write_line(line)
    for entry in folder.entries:
        remark = _remark(entry, summaries.get(entry.path))
        if remark:
            terminal.write_line(one_line(remark))
    return 0


def _summary(entry: FolderEntry) -> ModelSummary | OffloadError:
    """Return what the header says, or why it cannot be read."""
    from offload.inspection import inspect_model

    try:
        return inspect_model(entry.path)
    except OffloadError as error:
        return error


def _row(entry: FolderEntry, summary: ModelSummary) -> tuple[str, ...]:
    experts = f"{summary.n_expert_used} of {summary.n_expert}" if summary.n_expert else "dense"
    packed = _PACKED[summary.pack_state]
    size = format_bytes(summary.file_bytes)
    quant = summary.quantization or entry.quant
    return (entry.name, quant, size, summary.architecture, experts, packed, _origin_text(entry, summary))


def _origin_text(entry: FolderEntry, summary: ModelSummary) -> str:
    """Return where a model came from, as far as that is known."""
    if is_older_demo(entry):
        return f"older demo: {summary.name}" if summary.name else "older demo"
    origin = read_origin(entry.path)
    if origin is not None:
        return f"{origin.repo} {origin.revision[:12]}"
    return "imported" if entry.repo is not None and entry.repo.startswith(f"{LOCAL}/") else "-"


def _remark(entry: FolderEntry, summary: ModelSummary | OffloadError | None) -> str:
    """Return the line of a model that is not as it should be."""
    match entry.state:
        case EntryState.WHOLE if isinstance(summary, OffloadError):
            return f"unreadable  {entry.name}: {summary}"
        case EntryState.INCOMPLETE:
            return f"incomplete  {entry.name}: {len(entry.files)} of {entry.n_parts} parts are here"
        case EntryState.DAMAGED:
            path = entry.path
            return f"damaged     {entry.name}: came with a wrong checksum, {format_bytes(entry.n_bytes)} in {path}"
        case EntryState.UNFINISHED:
            total_bytes = _total_bytes(entry)
            share = f" of {format_bytes(total_bytes)} ({entry.n_bytes / total_bytes:.0%})" if total_bytes else ""
            again = f"; go on with: offload pull {entry.name}" if entry.repo else ""
            return f"unfinished  {entry.name}: {format_bytes(entry.n_bytes)}{share} are here{again}"
        case _:
            return ""


def _total_bytes(entry: FolderEntry) -> int | None:
    """Return how long an unfinished download will be, where the catalogue knows."""
    from offload.catalog import load_catalog

    try:
        catalog = load_catalog()
    except OffloadError:
        return None
    for model in catalog:
        same = model.repo.lower() == (entry.repo or "").lower()
        if same and any(file.name == entry.file_name for file in model.files):
            return model.size_bytes
    return None


def _as_json(folder: ModelFolder, summaries: dict[Path, ModelSummary | OffloadError]) -> dict[str, object]:
    return {
        "folder": str(folder.path),
        "models": [_entry_json(entry, summaries.get(entry.path)) for entry in folder.entries],
        "unreadable_folders": [
            {"path": str(unreadable.path), "reason": unreadable.reason} for unreadable in folder.unreadable
        ],
    }


def _entry_json(entry: FolderEntry, summary: ModelSummary | OffloadError | None) -> dict[str, object]:
    origin = read_origin(entry.path)
    fields: dict[str, object] = {
        "name": entry.name,
        "state": "unreadable" if isinstance(summary, OffloadError) else entry.state.value,
        "path": str(entry.path),
        "files": [str(path) for path in entry.files],
        "bytes": entry.n_bytes,
        "quantization": entry.quant,
        "repo": entry.repo if origin is None else origin.repo,
        "revision": None if origin is None else origin.revision,
    }
    if isinstance(summary, OffloadError):
        return fields | {"reason": str(summary)}
    if entry.state is EntryState.UNFINISHED:
        return fields | {"total_bytes": _total_bytes(entry)}
    if summary is None:
        return fields
    return fields | {
        "quantization": summary.quantization,
        "architecture": summary.architecture,
        "n_expert": summary.n_expert,
        "n_expert_used": summary.n_expert_used,
        "n_params": summary.n_params,
        "packed": summary.pack_state.value,
        "packed_bytes": summary.packed_bytes,
    }
