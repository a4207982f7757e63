#!/bin/sh
# Print the project's version, or the one that a requirement is pinned to, as pyproject.toml has them.
#
# Usage: version.sh [REQUIREMENT]        e.g. version.sh llama-cpp-python
set -eu

if [ $# = 0 ]; then
    pattern='^version *= *"\([^"]*\)".*'
else
    pattern="^ *\"$1 *== *\\([^\"]*\\)\".*"
fi
sed -n "s/$pattern/\\1/p" "$(dirname "$0")/../pyproject.toml"
