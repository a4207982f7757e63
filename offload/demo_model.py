"""The demo model: it travels packed with the package, and is unpacked once into the user's data folder.

The data folder, not the package's, because that may be read-only, and a packed store of the model wants to lie beside
it. The file's name carries the first digits of its checksum: another release's model is another file. Each process
unpacks into a file of its own and renames it at the end, so that two at once do no harm and nobody sees half a model.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

import platformdirs
import zstandard

from offload.bytesize import format_bytes
from offload.errors import NO_ROOM, DiskFullError, ModelFileError, ModelNotFoundError, OffloadError

BUNDLE, CHECKSUM = "demo.gguf.zst", "demo.gguf.sha256"
"""The packed model, and the SHA-256 of what it holds in the form of `sha256sum`."""

_PIECE_BYTES = 1 << 20
_INSTALL_AGAIN = "Name a model with -m, or install again from a complete copy of the project."


def demo_model_path(package: str = "offload_models") -> Path:
    """Return the file of the demo model, unpacking it where that has not been done.

    Raises:
        ModelNotFoundError: this installation has no demo model.
        ModelFileError: what was installed is damaged.
        DiskFullError: there is no room for it in the user's data folder.
        OffloadError: the user's data folder cannot be written to.
    """
    bundle, checksum = _bundle(package)
    with bundle.open("rb") as packed:
        n_bytes = zstandard.frame_content_size(packed.read(18))  # longest frame header. Source: RFC 8878, 3.1.1.1
        folder = Path(platformdirs.user_data_dir("offload", appauthor=False)) / "models"
        target = folder / _file_name(checksum)
        if not _is_whole(target, n_bytes):
            packed.seek(0)
            _unpack(packed, bundle, n_bytes, checksum, target)
    return target


def demo_file_name(package: str = "offload_models") -> str:
    """Return what the demo model's file is called; that of another release is called otherwise.

    Raises:
        ModelNotFoundError: this installation has no demo model.
    """
    return _file_name(demo_checksum(package))


def demo_checksum(package: str = "offload_models") -> str:
    """Return the SHA-256 of the demo model's file, in hexadecimal.

    Raises:
        ModelNotFoundError: this installation has no demo model.
    """
    return _bundle(package)[1]


def _file_name(checksum: str) -> str:
    return f"offload-demo-{checksum[:12]}.gguf"


def _bundle(package: str) -> tuple[Path, str]:
    try:
        folder = Path(str(files(package).joinpath("demo")))
    except ModuleNotFoundError as error:
        raise ModelNotFoundError("The demo model is not installed.", path=BUNDLE, hint=_INSTALL_AGAIN) from error
    for path in (folder / BUNDLE, folder / CHECKSUM):
        if not path.is_file():
            raise ModelNotFoundError(f"The demo model is not at {path}.", path=path, hint=_INSTALL_AGAIN)
    return folder / BUNDLE, (folder / CHECKSUM).read_text("ascii").split()[0]


def _is_whole(target: Path, n_bytes: int) -> bool:
    with suppress(OSError):
        return target.stat().st_size == n_bytes
    return False


def _unpack(packed: BinaryIO, bundle: Path, n_bytes: int, checksum: str, target: Path) -> None:
    part: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(target.parent).free
        if free_bytes < n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        descriptor, name = tempfile.mkstemp(prefix=target.stem, suffix=".partial", dir=target.parent)
        part, digest = Path(name), hashlib.sha256()
        with os.fdopen(descriptor, "wb") as file:
            for piece in _pieces(packed, bundle):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != checksum:
            raise ModelFileError("The demo model is damaged: its checksum differs.", file=bundle, hint=_INSTALL_AGAIN)
        _put_in_place(part, target, n_bytes)
    except OSError as error:
        raise _failed(error, n_bytes, target.parent) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _pieces(packed: BinaryIO, bundle: Path) -> Iterator[bytes]:
    try:
        yield from zstandard.ZstdDecompressor().read_to_iter(packed, write_size=_PIECE_BYTES)
    except zstandard.ZstdError as error:
        raise ModelFileError(f"The demo model is damaged: {error}.", file=bundle, hint=_INSTALL_AGAIN) from error


def _put_in_place(part: Path, target: Path, n_bytes: int) -> None:
    try:
        part.replace(target)
    except PermissionError:  # Windows, where another process was first and has the model open
        if not _is_whole(target, n_bytes):
            raise


def _failed(error: OSError, n_bytes: int, folder: Path) -> OffloadError:
    if error.errno in NO_ROOM:
        free_bytes = shutil.disk_usage(folder).free
        return DiskFullError(
            f"The demo model needs {format_bytes(n_bytes)}, but {folder} has {format_bytes(free_bytes)} free.",
            folder=folder,
            needed_bytes=n_bytes,
            free_bytes=free_bytes,
            hint="Free some space, or use another model.",
        )
    return OffloadError(
        f"The demo model cannot be unpacked into {folder}: {error.strerror}.",
        hint="Make that folder writable, or use another model.",
    )
