"""The library path: what the start of the bundle changed in it is put back for the programs that this one starts."""

import os


def restore_library_path() -> None:
    """Give other programs, a browser say, the system's libraries instead of the bundle's.

    This process has read its own path when it began; a worker sets its own again.
    """
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
