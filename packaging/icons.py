"""The icons of Windows and macOS, painted from the application's SVG.

Usage: icons.py FOLDER      needs PySide6; writes offload.ico and offload.icns
"""

import os
import sys
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QIcon

SVG = Path(__file__).resolve().parent.parent / "app" / "icons" / "offload.svg"
SIZES = {"ico": 256, "icns": 512}
"""Pixels of the one picture in each: the systems paint smaller ones from it."""


def main(folder: Path) -> int:
    """Write both; 1 where Qt cannot."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    icon = QIcon(str(SVG))
    folder.mkdir(parents=True, exist_ok=True)
    written = [icon.pixmap(QSize(side, side)).save(str(folder / f"offload.{kind}")) for kind, side in SIZES.items()]
    application.quit()
    return 0 if all(written) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
