"""How much room there is on a disk."""

import os

from PySide6.QtCore import QStorageInfo


def free_bytes_at(folder: str) -> int | None:
    """Return how much room there is where `folder` is or will be; None: the system does not say."""
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    storage = QStorageInfo(folder)
    return storage.bytesAvailable() if storage.isValid() else None
