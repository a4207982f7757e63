"""`offload pull`: a model from the Hugging Face hub into the models folder, checked, going on where it broke off."""

import argparse
import json
from typing import Any

from offload.bytesize import format_bytes
from offload.cli.hub_fit import card_before_download
from offload.cli.hub_model import obtain
from offload.cli.models_folder import models_folder
from offload.cli.options import add_download
from offload.cli.terminal import Terminal
from offload.config import EngineConfig
from offload.hub.download import Downloaded
from offload.hub.reference import HubReference

_DESCRIPTION = """Download a GGUF model from the Hugging Face hub. What breaks off goes on from there with the same
command; a file gets its name once its SHA-256 is the hub's. The path of the (first) file goes to standard output. On a
terminal size and fit are shown before a question; elsewhere the command itself is the assent. HF_TOKEN is used where
it is set."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "pull", help="download a model from the Hugging Face hub", description=_DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument(
        "reference", metavar="USER/REPO[:QUANT]", help="repository and quantization (default: Q4_K_M, or the only one)"
    )
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit (default: main)")
    parser.add_argument("--file", metavar="FILE", help="that file of the repository; of a split model all parts come")
    add_download(parser)
    parser.add_argument(
        "--json", action="store_true", help="one JSON object at the end: path, repo, revision, files, fetched_bytes"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, terminal: Terminal) -> int:
    """Pull.

    Raises:
        OffloadError: as `obtain` raises, or of the reference.
    """
    reference = HubReference.parse(args.reference, revision=args.revision, file=args.file)
    card = card_before_download(models_folder(args), EngineConfig(), terminal)
    downloaded = obtain(reference, args, terminal, card)
    if args.json:
        terminal.write_line(json.dumps(_as_json(downloaded)))
        return 0
    if downloaded.fetched_bytes:
        n_bytes = sum(file.n_bytes for file in downloaded.origin.files)
        checked = all(file.sha256 is not None for file in downloaded.origin.files)
        terminal.say(f"{format_bytes(n_bytes)}, {'SHA-256 as on the hub' if checked else 'not all of it checked'}.")
    terminal.write_line(str(downloaded.path))
    return 0


def _as_json(downloaded: Downloaded) -> dict[str, object]:
    origin = downloaded.origin
    return {
        "path": str(downloaded.path),
        "repo": origin.repo,
        "revision": origin.revision,
        "files": [
            {"name": file.name, "path": file.path, "bytes": file.n_bytes, "sha256": file.sha256}
            for file in origin.files
        ],
        "fetched_bytes": downloaded.fetched_bytes,
    }
