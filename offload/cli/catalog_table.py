"""The catalogue of models as a person or a program reads it, beside what is here."""

import json
from pathlib import Path

from offload.bytesize import format_bytes
from offload.catalog import CatalogModel, load_catalog
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line, table_lines
from offload.machine import free_disk_bytes
from offload.model_folder import EntryState, FolderEntry, ModelFolder

_HEADINGS = ("MODEL", "SIZE", "PARAMETERS", "EXPERTS", "LICENCE", "HERE", "NAME FOR `offload pull`")


def show_catalog(folder: ModelFolder, terminal: Terminal, *, as_json: bool) -> None:
    """Write the catalogue to standard output.

    Raises:
        OffloadError: the catalogue of this installation is damaged.
    """
    catalog = load_catalog()
    free_bytes = free_disk_bytes(folder.path)
    here = {model.reference: _entry_of(model, folder) for model in catalog}
    if as_json:
        models = [_as_json(model, here[model.reference], free_bytes) for model in catalog]
        terminal.write_line(json.dumps({"folder": str(folder.path), "free_bytes": free_bytes, "models": models}))
        return
    rows = [_row(model, here[model.reference], free_bytes) for model in catalog]
    for line in table_lines([_HEADINGS, *rows]):
        terminal.write_line(line)
    terminal.say(f"{format_bytes(free_bytes)} are free on the disk of {one_line(str(folder.path))}.")


def _entry_of(model: CatalogModel, folder: ModelFolder) -> FolderEntry | None:
    names = {file.name for file in model.files}
    for entry in folder.entries:
        same_repo = (entry.repo or "").lower() == model.repo.lower()
        if same_repo and (entry.quant.lower() == model.quant.lower() or entry.file_name in names):
            return entry
    return None


def _row(model: CatalogModel, entry: FolderEntry | None, free_bytes: int) -> tuple[str, ...]:
    return (
        model.name,
        format_bytes(model.size_bytes) if model.is_exact else f"about {format_bytes(model.size_bytes)}",
        f"{_billions(model.total_params)}, {_billions(model.active_params)} used",
        f"{model.n_expert_used} of {model.n_expert}",
        model.licence,
        _here(model, entry, free_bytes),
        model.reference,
    )


def _here(model: CatalogModel, entry: FolderEntry | None, free_bytes: int) -> str:
    if entry is None:
        return "-" if model.size_bytes <= free_bytes else "no room"
    return "yes" if entry.state is EntryState.WHOLE else entry.state.value


def _billions(n_params: int) -> str:
    return f"{n_params / 1e9:g}B"


def _as_json(model: CatalogModel, entry: FolderEntry | None, free_bytes: int) -> dict[str, object]:
    path: Path | None = None if entry is None else entry.path
    return {
        "name": model.name,
        "repo": model.repo,
        "quantization": model.quant,
        "revision": model.revision,
        "files": [{"path": file.path, "bytes": file.n_bytes, "sha256": file.sha256} for file in model.files],
        "bytes": model.size_bytes,
        "bytes_are_exact": model.is_exact,
        "licence": model.licence,
        "architecture": model.architecture,
        "n_expert": model.n_expert,
        "n_expert_used": model.n_expert_used,
        "total_params": model.total_params,
        "active_params": model.active_params,
        "sources": dict(model.sources),
        "state": None if entry is None else entry.state.value,
        "path": None if path is None else str(path),
        "fits_disk": model.size_bytes <= free_bytes,
    }
