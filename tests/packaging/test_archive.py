"""The archive: the same bytes for the same files, whoever packs them and when."""

import os
import tarfile
from pathlib import Path

from archive import pack

SECONDS = 1_700_000_000


def tree(folder: Path, *, order: int) -> Path:
    files = [("z.txt", "last"), ("a/b.txt", "deep"), ("run", "#!/bin/sh")]
    for name, text in files[::order]:
        path = folder / "offload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "offload" / "run").chmod(0o700)
    (folder / "offload" / "link").symlink_to("a/b.txt")
    return folder / "offload"


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    first, second = tree(tmp_path / "1", order=1), tree(tmp_path / "2", order=-1)
    os.utime(second / "z.txt", (1, 1))
    pack(first, tmp_path / "1.tar.gz", SECONDS)
    pack(second, tmp_path / "other name.tar.gz", SECONDS)
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "other name.tar.gz").read_bytes()


def test_entries_are_sorted_of_one_time_and_of_nobody(tmp_path: Path) -> None:
    pack(tree(tmp_path, order=1), tmp_path / "x.tar.gz", SECONDS)
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        entries = archive.getmembers()
    inside = ("a", "a/b.txt", "link", "run", "z.txt")
    assert [entry.name for entry in entries] == ["offload", *(f"offload/{name}" for name in inside)]
    assert {(entry.mtime, entry.uid, entry.uname) for entry in entries} == {(SECONDS, 0, "")}
    assert {entry.name: entry.mode for entry in entries if entry.isreg()} == {
        "offload/a/b.txt": 0o644,
        "offload/run": 0o755,
        "offload/z.txt": 0o644,
    }
