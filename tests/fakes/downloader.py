"""A program that downloads as the application does, until it is killed: `python downloader.py QUEUE FOLDER NAME`."""

import sys
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from offload_app.engine_client import WORKER_COMMAND
from offload_app.library.download_file import DownloadFile
from offload_app.library.downloads import Downloads
from offload_app.library.library_client import LibraryClient


def main() -> None:
    """Want a model, and never end."""
    queue, folder, name = sys.argv[1:]
    application = QCoreApplication([])
    puller, scout = LibraryClient(WORKER_COMMAND), LibraryClient(WORKER_COMMAND)
    downloads = Downloads(puller, scout, DownloadFile(Path(queue)))
    downloads.add(name, folder, "Tiny")
    application.exec()


if __name__ == "__main__":
    main()
