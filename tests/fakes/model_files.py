"""Model files of a few hundred bytes in a folder of models, as downloads and people leave them there."""

import hashlib
from pathlib import Path

from fakes.raw_gguf import MOE_METADATA, RawGguf, raw_text
from offload.hub.origin import Origin, OriginFile, write_origin

REVISION = "0123456789abcdef0123456789abcdef01234567"


def model_file(path: Path, *, name: str = "Tiny", licence: str = "mit") -> Path:
    """Write a model whose header can be read, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = (*MOE_METADATA, raw_text("general.name", name), raw_text("general.license", licence))
    return RawGguf(metadata=metadata).write(path)


def hub_model(folder: Path, repo: str, *names: str, sha256: str | None = "right") -> Path:
    """Write a model as `offload pull` leaves it; `sha256` may be wrong or None. Return its first file."""
    files = []
    for name in names:
        path = model_file(folder / repo / name)
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if sha256 == "right" else sha256
        files.append(OriginFile(f"Q4_K_M/{name}", path.stat().st_size, digest))
    first = folder / repo / names[0]
    write_origin(first, Origin(repo, REVISION, "main", "Q4_K_M", tuple(files), "2026-11-23T20:00:00+00:00"))
    return first


def partial_file(folder: Path, repo: str, name: str, n_bytes: int) -> Path:
    """Write what has come of a file that is being downloaded."""
    path = folder / repo / ".partial" / f"{name}.0123456789abcdef.part"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(n_bytes))
    return path
