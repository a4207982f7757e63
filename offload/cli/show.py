"""`offload show`: what a model file says of itself, and what lies beside it."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload.bytesize import format_bytes
from offload.cli.named_models import add_models_dir, folder_of
from offload.cli.terminal import Terminal
from offload.cli.text_table import one_line, table_lines
from offload.hub.origin import Origin, read_origin
from offload.model_folder import find_model
from offload.model_summary import ModelSummary, PackState
from offload.protocol_json import to_json

if TYPE_CHECKING:
    from offload.gguf_header import MetadataValue
    from offload.model_details import ModelDetails

_PACKED = {
    PackState.NONE: "no: see `offload pack`",
    PackState.READY: "yes, {}",
    PackState.STALE: "of another model or processor, or damaged ({}): pack it again with --force",
    PackState.DENSE: "nothing to pack: a dense model",
}


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "show",
        help="show what a model says of itself",
        description="Show what the header of a model says, and what lies beside it. Weights are not read.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "name", metavar="MODEL", help="a path, or a name as `offload ls` shows it; demo: the demo model"
    )
    parser.add_argument("--metadata", action="store_true", help="all keys of the header as well")
    add_models_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object: summary, details, origin, metadata")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Show.

    Raises:
        ModelNotFoundError: there is no such model, or a part of it is missing.
        ModelFileError: it is malformed, truncated, or no language model.
        UsageError: the name could mean several models.
    """
    from offload.gguf_header import read_gguf_header
    from offload.inspection import inspect_model
    from offload.model_details import read_details, value_text

    path = find_model(args.name, folder_of(args))
    summary = inspect_model(path)
    header = read_gguf_header(path)
    details, origin = read_details(header), read_origin(Path(summary.path))
    metadata = header.metadata if args.metadata else {}
    if args.json:
        fields = {
            "summary": to_json(summary),
            "details": to_json(details),
            "origin": None if origin is None else to_json(origin),
            "files": [str(file) for file in header.files],
        }
        if args.metadata:
            fields["metadata"] = {key: _metadata_json(value) for key, value in metadata.items()}
        terminal.write_line(json.dumps(fields))
        return 0
    for line in table_lines(_rows(summary, details, origin, header.files)):
        terminal.write_line(line)
    for key, value in metadata.items():
        terminal.write_line(f"{one_line(key)} = {one_line(value_text(value))}")
    return 0


def _rows(
    summary: ModelSummary, details: "ModelDetails", origin: Origin | None, files: tuple[Path, ...]
) -> list[tuple[str, str]]:
    size = format_bytes(summary.file_bytes) + (f" in {summary.n_files} files" if summary.n_files > 1 else "")
    rows = [
        ("name", summary.name or "(none)"),
        ("file", str(files[0])),
        ("size", size),
        ("architecture", summary.architecture),
        ("quantization", summary.quantization),
        ("parameters", f"{summary.n_params / 1e9:.3g} billion"),
        ("layers", str(summary.n_layer)),
        ("experts", f"{summary.n_expert}, {summary.n_expert_used} used" if summary.n_expert else "none: a dense model"),
        ("expert part", format_bytes(summary.expert_bytes)),
        ("dense part", format_bytes(details.dense_bytes)),
        ("context", f"{summary.context_length} tokens" if summary.context_length else "(not said)"),
        ("tokenizer", f"{details.tokenizer or '(not said)'}, {details.n_vocab} tokens"),
        ("chat template", "yes" if details.has_chat_template else "no"),
        ("licence", details.licence or "(not said)"),
        ("packed store", _PACKED[summary.pack_state].format(format_bytes(summary.packed_bytes))),
    ]
    if origin is not None:
        rows.append(("from", f"{origin.repo} at {origin.revision}, {origin.downloaded_at}"))
    return rows + list(details.general.items())


def _metadata_json(value: "MetadataValue") -> object:
    from offload.gguf_header import ArraySummary

    if isinstance(value, ArraySummary):
        return {"type": value.type.name, "length": value.length}
    return list(value) if isinstance(value, tuple) else value
