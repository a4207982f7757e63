"""Emptying the page cache before a run, as far as this user may."""

import os
from collections.abc import Sequence
from pathlib import Path

_DROP = Path("/proc/sys/vm/drop_caches")


def drop_page_cache(files: Sequence[Path]) -> str:
    """Forget what the system keeps of all files, or at least of `files`; return what was done, in words."""
    try:
        os.sync()
        _DROP.write_text("3\n")
    except OSError:
        return _drop_files(files)
    return "emptied before every run"


def _drop_files(files: Sequence[Path]) -> str:
    if not hasattr(os, "posix_fadvise"):
        return "as it is: this system does not let it be emptied"
    for path in files:
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)
    return "without the model's files before every run; emptying all of it takes more rights"
