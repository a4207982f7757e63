"""`Origin`: where a model here came from and what its files are, kept beside its first file."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class OriginFile:
    """One file of a model; `path` is the one in the repository, its last part the name here."""

    path: str
    n_bytes: int
    sha256: str | None
    """None: the hub gave no checksum, nothing was compared."""

    @property
    def name(self) -> str:
        """How it is called here."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Origin:
    """A whole model: the files came from `repo` at the commit `revision`, asked for as `asked_revision`."""

    repo: str
    revision: str
    asked_revision: str
    quant: str
    files: tuple[OriginFile, ...]
    downloaded_at: str
    """ISO 8601, UTC."""


def origin_path(first_file: Path) -> Path:
    """Return where the origin of the model with that first file is kept."""
    return first_file.with_name(first_file.name + ".origin.json")


def write_origin(first_file: Path, origin: Origin) -> None:
    """Keep `origin` beside `first_file`; it appears whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path = origin_path(first_file)
    draft = path.with_name(path.name + ".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"format": _FORMAT, **asdict(origin)}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def read_origin(first_file: Path) -> Origin | None:
    """Return the origin of the model with that first file; None where there is none that can be read."""
    try:
        fields = json.loads(origin_path(first_file).read_text("utf-8"))
        return _from_json(fields) if fields["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _from_json(fields: dict[str, Any]) -> Origin:
    files = tuple(OriginFile(_text(f["path"]), _count(f["n_bytes"]), _maybe(f["sha256"])) for f in fields["files"])
    if not files:
        raise ValueError("no files")
    texts = {name: _text(fields[name]) for name in ("repo", "revision", "asked_revision", "quant", "downloaded_at")}
    return Origin(files=files, **texts)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("no count")
    return value
