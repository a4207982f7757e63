#!/bin/sh
# Create the virtual environment, with a Python that is new enough.
#
# Usage: create_venv.sh FOLDER [PYTHON]
set -eu

here=$(dirname "$0")
folder=$1
wanted=${2:-python3}

is_new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" - <<'PY' 2>/dev/null
import sys
raise SystemExit(sys.implementation.name != "cpython" or sys.version_info < (3, 11))
PY
}

python=
for candidate in "$wanted" python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "No CPython 3.11 or newer found ($wanted: $("$wanted" --version 2>&1 || true))." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3 ..." >&2
    exit 1
fi

# Debian keeps the part of Python that makes environments in a package of its own.
if ! "$python" -c "import ensurepip, venv" 2>/dev/null; then
    version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
    "$here/debian_packages.sh" "ensurepip, which puts pip into a new environment" "python$version-venv"
fi

"$python" -m venv "$folder"
