#!/bin/sh
# Install the project, editable, with the requirements of the named extras.
#
# Usage: install.sh PYTHON REQUIREMENT        e.g. install.sh .venv/bin/python '.[hub]'
set -eu

here=$(dirname "$0")
python=$1
requirement=$2

if ! "$python" -c "import llama_cpp" 2>/dev/null; then
    echo "llama.cpp may have to be compiled: some 5 minutes on 2 cores, once."
    if ! command -v c++ >/dev/null 2>&1 && [ -z "${CXX:-}" ]; then
        "$here/debian_packages.sh" "a C and C++ compiler, for llama.cpp" build-essential
    fi
fi

"$python" -m pip install --quiet --disable-pip-version-check --editable "$requirement"
