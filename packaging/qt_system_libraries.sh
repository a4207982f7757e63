#!/bin/sh
# Make sure that Qt finds the system libraries it is linked with; install or name them where it does not.
#
# Usage: qt_system_libraries.sh PYTHON
#
# Never fails: everything but the app's tests runs without them, and those tests say themselves what is missing.
set -eu

here=$(dirname "$0")
python=$1

qt_starts() {
    QT_QPA_PLATFORM=offscreen "$python" -c "
from PySide6.QtWidgets import QApplication
QApplication([])" 2>/dev/null
}

if ! qt_starts; then
    "$here/debian_packages.sh" "system libraries of Qt" \
        libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0 || exit 0
    qt_starts || echo "Qt still does not start; see: $python -c 'import PySide6.QtWidgets'" >&2
fi
