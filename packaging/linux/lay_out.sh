#!/bin/sh
# Lay the bundle out as a Linux system wants it: programs, menu entry, icon, type of .gguf files, manuals, completions.
#
# Usage: lay_out.sh BUNDLE PREFIX        e.g. lay_out.sh build/bundle/offload build/deb/usr
set -eu

bundle=$1
prefix=$2
here=$(cd "$(dirname "$0")" && pwd)
share=$prefix/share

mkdir -p "$prefix/bin" "$prefix/lib" "$share/applications" "$share/mime/packages" "$share/icons/hicolor/scalable/apps" \
    "$share/doc/offload"
cp -a "$bundle" "$prefix/lib/offload"
cp -a "$prefix/lib/offload/share/." "$share/"
rm -r "$prefix/lib/offload/share"
mv "$prefix/lib/offload/THIRD-PARTY.txt" "$prefix/lib/offload/offload.cdx.json" "$share/doc/offload/"
mv "$prefix/lib/offload/LICENSE" "$share/doc/offload/copyright"
find "$prefix/lib/offload" -name '*.so*' -type f -exec chmod a-x {} +
for program in offload offload-app; do
    ln -s "../lib/offload/$program" "$prefix/bin/$program"
done
cp "$here/offload.desktop" "$share/applications/"
cp "$here/offload-mime.xml" "$share/mime/packages/offload.xml"
cp "$here/../../app/icons/offload.svg" "$share/icons/hicolor/scalable/apps/"
