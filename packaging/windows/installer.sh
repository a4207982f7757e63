#!/bin/sh
# Make the installer for Windows, in Git's shell or MSYS. Not yet run.
#
# Usage: installer.sh BUNDLE FOLDER
#
#   ISCC                Inno Setup 6's compiler (default: iscc)
#   WINDOWS_CERTIFICATE a .pfx file to sign programs and installer with, its password in WINDOWS_CERTIFICATE_PASSWORD;
#                       without it nothing is signed, and Windows will warn of an unknown publisher
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bundle=$(cygpath -w "$(cd "$1" && pwd)")
folder=$(cygpath -w "$(cd "$2" && pwd)")
version=$("$here/../version.sh")

sign() {
    [ -n "${WINDOWS_CERTIFICATE:-}" ] || return 0
    MSYS2_ARG_CONV_EXCL='*' signtool sign /fd SHA256 /f "$WINDOWS_CERTIFICATE" /p "$WINDOWS_CERTIFICATE_PASSWORD" \
        /tr http://timestamp.digicert.com /td SHA256 "$@"
}

sign "$bundle\\offload.exe" "$bundle\\offload-app.exe"
MSYS2_ARG_CONV_EXCL='*' "${ISCC:-iscc}" "/DVersion=$version" "/DBundle=$bundle" "/DOutput=$folder" \
    "/DIcon=$(cygpath -w "$PWD/build/icons/offload.ico")" "$(cygpath -w "$here/offload.iss")"
sign "$folder\\offload-$version-windows-x86_64.exe"
