#!/bin/sh
# Install system packages where this user may, on Debian and Ubuntu; elsewhere name them and fail.
#
# Usage: debian_packages.sh WHY PACKAGE...
set -eu

why=$1
shift

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root=none
fi

if [ "$as_root" != none ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing $* ($why)."
    # A package list that is old or missing is the usual reason for a first failure.
    for try in first second; do
        # shellcheck disable=SC2086 # as_root is empty or two words
        if $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2; then
            exit 0
        fi
        [ "$try" = second ] || $as_root apt-get update -q >&2 || true
    done
fi

echo "Missing: $why. On Debian and Ubuntu: sudo apt-get install $*" >&2
exit 1
