"""The windowed program of the bundle."""

import sys

from library_path import restore_library_path

from offload.cli.main import open_application

if __name__ == "__main__":
    restore_library_path()
    sys.exit(open_application())
