"""The archive: a folder as .tar.gz, the same bytes whenever the same files are packed.

Usage: archive.py FOLDER FILE      SOURCE_DATE_EPOCH is the time of every entry
"""

import gzip
import os
import sys
import tarfile
from pathlib import Path


def pack(folder: Path, file: Path, seconds: int) -> int:
    """Write `folder` and all that is in it to `file`, by name, of nobody, of one time; return the number of entries."""
    paths = [folder, *sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix())]
    file.parent.mkdir(parents=True, exist_ok=True)
    # A gzip stream names its file and the time it was made, unless both are given.
    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in paths:
            name = (Path(folder.name) / path.relative_to(folder)).as_posix()
            entry = archive.gettarinfo(path, name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = seconds
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return len(paths)


if __name__ == "__main__":
    entries = pack(Path(sys.argv[1]), Path(sys.argv[2]), int(os.environ["SOURCE_DATE_EPOCH"]))
    sys.stdout.write(f"{entries} entries, {Path(sys.argv[2]).stat().st_size} bytes: {sys.argv[2]}\n")
