#!/bin/sh
# Make the AppImage of the bundle: AppImage's runtime, which mounts what follows it, and a squashfs of the files.
#
# Usage: appimage.sh BUNDLE FOLDER
#
#   APPIMAGE_RUNTIME     the runtime (default: build/appimage-runtime, fetched where it is not there); without one the
#                        AppDir is left, and no AppImage is made
#   SOURCE_DATE_EPOCH    the time of every file
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bundle=$1
folder=$2
version=$("$here/../version.sh")
tree=build/offload.AppDir
# Linked statically: the newest is for systems without FUSE 2, the ones before asked for its library.
runtime_url=https://github.com/AppImage/type2-runtime/releases/download/20251108/runtime-x86_64
runtime_sha256=2fca8b443c92510f1483a883f60061ad09b46b978b2631c807cd873a47ec260d

fetch_runtime() {
    runtime=build/appimage-runtime
    if [ ! -f "$runtime" ]; then
        curl --fail --silent --show-error --location --retry 3 --output "$runtime.part" "$runtime_url" || return 1
        mv "$runtime.part" "$runtime"
    fi
    echo "$runtime_sha256  $runtime" | sha256sum --check --quiet
}

lay_out() {
    rm -rf "$tree"
    mkdir -p "$tree"
    "$here/lay_out.sh" "$bundle" "$tree/usr"
    cp "$here/appimage-runtime.txt" "$tree/usr/share/doc/offload/"
    ln -s usr/share/applications/offload.desktop "$tree/offload.desktop"
    ln -s usr/share/icons/hicolor/scalable/apps/offload.svg "$tree/offload.svg"
    ln -s offload.svg "$tree/.DirIcon"
    cp "$here/AppRun" "$tree/AppRun"
    chmod -R u=rwX,go=rX "$tree"
}

# gzip: every runtime reads it, and old ones nothing better.
pack() {
    image=build/offload.squashfs
    rm -f "$image"
    mksquashfs "$tree" "$image" -quiet -no-progress -no-xattrs -all-root -comp gzip
    cat "$runtime" "$image" >"$1"
    chmod 755 "$1"
    rm "$image"
}

lay_out
if [ -n "${APPIMAGE_RUNTIME:-}" ]; then
    runtime=$APPIMAGE_RUNTIME
elif ! fetch_runtime; then
    echo "AppImage's runtime cannot be had: $tree is ready for it, no AppImage is made. Set APPIMAGE_RUNTIME." >&2
    exit 0
fi
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
pack "$folder/offload-$version-$(uname -m).AppImage"
