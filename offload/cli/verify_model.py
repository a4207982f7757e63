"""Checking a model file and what lies beside it, and saying how much of it could be checked."""

import json
from pathlib import Path

from offload.catalog import load_catalog
from offload.cli.interrupt import Interrupt
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line
from offload.cli.verify_store import check_store, progress_of
from offload.errors import ModelFileError
from offload.inspection import inspect_model
from offload.model_check import FileCheck, FileVerdict, KnownFrom, ModelCheck, check_model
from offload.model_summary import ModelSummary, PackState

_SOURCES = {
    KnownFrom.DOWNLOAD: "its download",
    KnownFrom.CATALOG: "the catalogue",
    KnownFrom.PROGRAM: "the demo model",
    None: "the model",
}


def verify_model(path: Path, terminal: Terminal, *, as_json: bool) -> None:
    """Check the model that `path` belongs to, and the packed store beside it; say what was checked and what not.

    Raises:
        ModelNotFoundError: a part of it is missing.
        ModelFileError: its header is malformed, or bytes of it or of its packed store are damaged.
        CancelledError: it was interrupted.
    """
    with Interrupt() as interrupt:
        check = check_model(path, load_catalog(), progress_of(path, terminal, interrupt))
    terminal.clear_progress()
    summary = inspect_model(check.path)
    if not as_json:
        terminal.say(f"{one_line(str(check.path))}: {check.n_tensors} tensors, all inside the file and apart")
        for file in check.files:
            terminal.say(_file_line(file))
    for file in check.damaged:
        raise ModelFileError(_damage(file), file=file.path, hint=_what_to_do(file))
    store = _verify_packed(check, summary, terminal)
    if as_json:
        terminal.write_line(json.dumps(_as_json(check, store)))
    elif store:
        terminal.say(f"packed store: {store}")


def _verify_packed(check: ModelCheck, summary: ModelSummary, terminal: Terminal) -> str:
    """Check the packed store beside a model; return what became of it, nothing where there is none.

    Raises:
        ModelFileError: records of it are damaged.
    """
    if summary.pack_state is PackState.STALE:
        return "stale: made from another model or for another processor, or damaged; pack again with --force"
    if summary.pack_state is not PackState.READY:
        return ""
    check_store(check.packed_path, terminal)
    return "every record is whole"


def _file_line(file: FileCheck) -> str:
    name = one_line(file.path.name)
    match file.verdict:
        case FileVerdict.GOOD if file.known_from is KnownFrom.DOWNLOAD:
            return f"{name}: SHA-256 as the hub had it"
        case FileVerdict.GOOD if file.known_from is KnownFrom.PROGRAM:
            return f"{name}: SHA-256 as that of the demo model of this release"
        case FileVerdict.GOOD:
            return f"{name}: SHA-256 as in the catalogue"
        case FileVerdict.LENGTH_ONLY:
            return f"{name}: {file.n_bytes} bytes, as it should be; no checksum is known, so its bytes are not checked"
        case FileVerdict.UNKNOWN if file.expected_bytes is not None:
            return f"{name}: another version than the catalogue's; its bytes are not checked"
        case FileVerdict.UNKNOWN:
            return f"{name}: no checksum is known; only header and length are checked"
        case FileVerdict.DAMAGED:
            return f"{name}: damaged"


def _damage(file: FileCheck) -> str:
    if file.sha256 is None:
        return f"The file has {file.n_bytes} bytes, but {file.expected_bytes} were downloaded."
    return f"The SHA-256 is {file.sha256}, that of {_SOURCES[file.known_from]} is {file.expected_sha256}."


def _what_to_do(file: FileCheck) -> str:
    if file.known_from is KnownFrom.DOWNLOAD:
        return "Remove it with `offload rm`, and pull it again."
    if file.known_from is KnownFrom.PROGRAM:
        return "Remove it with `offload rm`: it is unpacked anew when it is needed."
    return "Pull it again, unless it is of another revision than the catalogue's."


def _as_json(check: ModelCheck, store: str) -> dict[str, object]:
    return {
        "file": str(check.path),
        "damaged": [],
        "tensors": check.n_tensors,
        "files": [
            {
                "path": str(file.path),
                "verdict": file.verdict.value,
                "bytes": file.n_bytes,
                "expected_bytes": file.expected_bytes,
                "sha256": file.sha256,
                "expected_sha256": file.expected_sha256,
                "known_from": None if file.known_from is None else file.known_from.value,
            }
            for file in check.files
        ],
        "packed_store": store or None,
    }
